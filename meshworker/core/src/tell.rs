//! What a member that waits is told to do.

use serde::{Deserialize, Serialize};

use crate::{Promise, Start, Told};

/// What a member that waits is told to do. It does the first two and goes on waiting: what
/// is on its disk by then is in its next announcement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tell {
    /// To promise that its disk counts for one birth: a higher number takes the place of a
    /// lower one, and nothing else does.
    Promise(Promise),
    /// To put its data aside, never to delete it: it is nobody's here.
    Aside {
        /// Why, for people.
        why: Told<200>,
    },
    /// To start its database.
    Start(Start),
}

impl Tell {
    /// What it is, for people and logs.
    pub fn what(&self) -> &'static str {
        match self {
            Tell::Promise(_) => "promise",
            Tell::Aside { .. } => "put its data aside",
            Tell::Start(_) => "start",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_travels_as_one_word_and_another_ones_words_are_made_plain() {
        let promise = Tell::Promise(Promise {
            number: 3,
            to: "db 7f".into(),
        });
        let sent = serde_json::to_string(&promise).unwrap_or_default();
        assert_eq!(sent, r#"{"promise":{"number":3,"to":"db 7f"}}"#);
        let start: Result<Tell, _> = serde_json::from_str(r#"{"start":{"arguments":["--x"]}}"#);
        assert!(matches!(start, Ok(Tell::Start(start)) if start.arguments == ["--x"]));
        let aside: Result<Tell, _> = serde_json::from_str(r#"{"aside":{"why":"a\nb"}}"#);
        let Ok(Tell::Aside { why }) = aside else {
            panic!("{aside:?}");
        };
        assert_eq!(&*why, "a\u{fffd}b");
    }
}
