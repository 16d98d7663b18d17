//! How many voters a cluster is to have.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meshworker_core::Wishes;
use serde_json::{Value, json};

/// The option, and the wish, that says how many voters there are to be.
pub const IDEAL: &str = crate::IDEAL_SIZE;

/// The key by which whoever has `etcdctl` changes it.
pub const KEY: &str = "/_meshworker/ideal-size";

/// What stands for "as the number of replicas says".
pub const AUTO: &str = "auto";

/// More voters make each write slower, and nothing safer.
const MOST: usize = 9;

/// Without a wish no more than these: the loss of two is survived.
const USUAL: usize = 5;

/// How many voters there are to be, and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Size {
    /// As many as are wished for and there are replicas for; none where nobody says.
    pub ideal: Option<usize>,
    /// Why it is not what somebody wished for.
    pub remarks: Vec<String>,
}

impl Size {
    /// An operator's wish comes first, then the key in etcd, then the option, then the
    /// number of replicas, where it is known.
    pub fn of(
        wishes: &Wishes,
        key: Option<&str>,
        option: Option<usize>,
        replicas: Option<usize>,
    ) -> Size {
        let mut size = Size::default();
        let told = [(wishes.get(IDEAL), IDEAL), (key, KEY)];
        for (text, name) in told.into_iter().filter_map(|(t, n)| Some((t?, n))) {
            match parse(text) {
                Ok(wished) if size.ideal.is_none() => size.ideal = wished,
                Ok(_) => {}
                Err(why) => size.remarks.push(format!("{name} '{text}': {why}")),
            }
        }
        let wished = size.ideal.or(option);
        let most = replicas.map(odd);
        size.ideal = match (wished, most) {
            (Some(wished), Some(most)) if wished > most => {
                let replicas = replicas.unwrap_or_default();
                size.remarks.push(format!(
                    "{wished} voters are wished for and there are {replicas} replicas: {most} \
                     of them vote"
                ));
                Some(most)
            }
            (wished, most) => wished.or(most.map(|most| most.min(USUAL))),
        };
        size
    }
}

/// The largest odd number up to this one; at least 1.
pub fn odd(most: usize) -> usize {
    match most % 2 {
        0 => most.saturating_sub(1).max(1),
        _ => most,
    }
}

/// A size as people write it; none for [`AUTO`].
///
/// # Errors
///
/// Says why this is none.
pub fn parse(text: &str) -> Result<Option<usize>, String> {
    if text == AUTO {
        return Ok(None);
    }
    match text.parse::<usize>() {
        Ok(0) => Err("a cluster of nobody keeps nothing: at least 1".into()),
        Ok(even) if even % 2 == 0 => Err(format!(
            "even: {even} voters survive no more losses than {} do; allowed: odd numbers",
            even - 1
        )),
        Ok(many) if many > MOST => Err(format!("too many; allowed: up to {MOST}")),
        Ok(size) => Ok(Some(size)),
        Err(_) => Err(format!(
            "no number; allowed: {AUTO}, or an odd number up to {MOST}"
        )),
    }
}

/// Asks for the key, of what the member itself has.
pub fn question() -> Value {
    json!({"key": STANDARD.encode(KEY), "serializable": true})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_none_and_impossible_sizes_get_the_reason() {
        assert_eq!(parse("auto"), Ok(None));
        assert_eq!(parse("3"), Ok(Some(3)));
        let why = |text: &str| parse(text).unwrap_err();
        assert_eq!(why("0"), "a cluster of nobody keeps nothing: at least 1");
        assert_eq!(
            why("4"),
            "even: 4 voters survive no more losses than 3 do; allowed: odd numbers"
        );
        assert_eq!(why("11"), "too many; allowed: up to 9");
        assert_eq!(
            why("-3"),
            "no number; allowed: auto, or an odd number up to 9"
        );
    }

    #[test]
    fn a_wish_outranks_the_key_the_key_the_option_and_that_the_number_of_replicas() {
        let none = Wishes::none();
        let ideal =
            |wishes: &Wishes, key, option, replicas| Size::of(wishes, key, option, replicas).ideal;
        assert_eq!(ideal(&none, None, None, Some(7)), Some(5));
        assert_eq!(ideal(&none, None, None, Some(4)), Some(3));
        assert_eq!(ideal(&none, None, None, None), None);
        assert_eq!(ideal(&none, None, Some(1), Some(7)), Some(1));
        assert_eq!(ideal(&none, Some("7"), Some(1), Some(7)), Some(7));
        let wish = Wishes::none().with(IDEAL, "3");
        assert_eq!(ideal(&wish, Some("7"), Some(1), Some(7)), Some(3));
        let back = Wishes::none().with(IDEAL, AUTO);
        assert_eq!(ideal(&back, None, None, Some(5)), Some(5));
    }

    #[test]
    fn what_cannot_be_is_said_and_the_next_word_counts() {
        let wish = Wishes::none().with(IDEAL, "4");
        let size = Size::of(&wish, Some("three"), Some(3), Some(5));
        assert_eq!((size.ideal, size.remarks.len()), (Some(3), 2));
        let few = Size::of(&Wishes::none().with(IDEAL, "5"), None, None, Some(4));
        let said = "5 voters are wished for and there are 4 replicas: 3 of them vote";
        assert_eq!(
            (few.ideal, &*few.remarks),
            (Some(3), &[said.to_owned()][..])
        );
    }
}
