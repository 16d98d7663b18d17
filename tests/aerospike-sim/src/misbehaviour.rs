//! What a node does wrong on demand.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A way to misbehave. All but the last three concern the info port; requests whose first command begins with `sim-` are always
/// served, so that a test can look inside and put things right again.
///
/// As text it is `MODE` or `MODE=ARGUMENT`:
///
/// ```
/// use aerospike_sim::Misbehaviour;
/// let slow: Misbehaviour = "slow=250".parse().unwrap();
/// assert_eq!(slow.to_string(), "slow=250");
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Misbehaviour {
    /// `none`: behaves.
    #[default]
    None,
    /// `late=SECONDS`: the info port refuses connections for so long, counted from when this was set.
    Late(Duration),
    /// `silent`: accepts and reads, never answers.
    Silent,
    /// `half-stall`: sends half of the answer, then nothing more.
    HalfThenStall,
    /// `half-close`: sends half of the answer, then closes.
    HalfThenClose,
    /// `garbage`: answers bytes that are no frame.
    Garbage,
    /// `close`: closes the connection instead of answering.
    Close,
    /// `slow=MILLISECONDS`: answers rightly, so much later.
    Slow(Duration),
    /// `refuse-tips`: answers tips with an error and does not follow them.
    RefuseTips,
    /// `ignore-tips`: answers tips with `ok` and does not follow them.
    IgnoreTips,
    /// `wrong-name=NAME`: is a node of this other cluster, in heartbeats too.
    WrongName(String),
    /// `shared-fabric`: publishes a fabric address that another node has too, as on the hosts' bridges. It hears the others'
    /// heartbeats and they hear it, but what they tell each other over the fabric reaches the wrong ones: once it hears
    /// anybody, it is in no cluster. Recorded of 8.1 with a fabric section without an address.
    SharedFabric,
    /// `isolated`: neither sends nor hears heartbeats and records, as behind a cut cable. The info port still answers.
    Isolated,
}

impl fmt::Display for Misbehaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Late(by) => write!(f, "late={}", by.as_secs_f64()),
            Self::Silent => f.write_str("silent"),
            Self::HalfThenStall => f.write_str("half-stall"),
            Self::HalfThenClose => f.write_str("half-close"),
            Self::Garbage => f.write_str("garbage"),
            Self::Close => f.write_str("close"),
            Self::Slow(by) => write!(f, "slow={}", by.as_millis()),
            Self::RefuseTips => f.write_str("refuse-tips"),
            Self::IgnoreTips => f.write_str("ignore-tips"),
            Self::WrongName(name) => write!(f, "wrong-name={name}"),
            Self::SharedFabric => f.write_str("shared-fabric"),
            Self::Isolated => f.write_str("isolated"),
        }
    }
}

impl FromStr for Misbehaviour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mode, argument) = text
            .split_once('=')
            .map_or((text, None), |(mode, rest)| (mode, Some(rest)));
        let parsed = match (mode, argument) {
            ("none", None) => Self::None,
            ("late", Some(seconds)) => {
                let by = seconds
                    .parse()
                    .ok()
                    .and_then(|by| Duration::try_from_secs_f64(by).ok());
                Self::Late(by.ok_or_else(|| format!("late={seconds}: expected seconds"))?)
            }
            ("silent", None) => Self::Silent,
            ("half-stall", None) => Self::HalfThenStall,
            ("half-close", None) => Self::HalfThenClose,
            ("garbage", None) => Self::Garbage,
            ("close", None) => Self::Close,
            ("slow", Some(millis)) => Self::Slow(Duration::from_millis(
                millis
                    .parse()
                    .map_err(|_| format!("slow={millis}: expected milliseconds"))?,
            )),
            ("refuse-tips", None) => Self::RefuseTips,
            ("ignore-tips", None) => Self::IgnoreTips,
            ("wrong-name", Some(name)) if !name.is_empty() => Self::WrongName(name.to_owned()),
            ("shared-fabric", None) => Self::SharedFabric,
            ("isolated", None) => Self::Isolated,
            _ => {
                return Err(format!(
                    "misbehaviour '{text}': expected none, late=SECONDS, silent, half-stall, half-close, garbage, close, \
                     slow=MILLISECONDS, refuse-tips, ignore-tips, wrong-name=NAME, shared-fabric or isolated"
                ));
            }
        };
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_value_match() {
        for text in [
            "none",
            "late=2.5",
            "silent",
            "half-stall",
            "half-close",
            "garbage",
            "close",
            "slow=250",
            "refuse-tips",
            "ignore-tips",
            "wrong-name=other",
            "shared-fabric",
            "isolated",
        ] {
            assert_eq!(text.parse::<Misbehaviour>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "late",
            "late=-1",
            "slow=x",
            "wrong-name=",
            "silent=1",
            "slow",
        ] {
            assert!(text.parse::<Misbehaviour>().is_err(), "{text}");
        }
    }
}
