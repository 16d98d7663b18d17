//! The info protocol as bytes: a request is encoded, an answer decoded. No I/O.
//!
//! ```text
//! ┌─────────┬──────┬────────────┬──────────────────────────────────┐
//! │ version │ type │   length   │ body: one line per command       │
//! │  1: 2   │ 1: 1 │ 6, big-end │ request "CMD\n", answer "CMD\tVALUE\n" │
//! └─────────┴──────┴────────────┴──────────────────────────────────┘
//! ```
//!
//! Recorded from Aerospike Community 8.0.0.15.

use meshworker_core::is_harmful;

/// Bytes of a header.
pub(super) const HEADER: usize = 8;

/// The longest body that is read. A thousand peers, each named with several
/// addresses, take some 100 KB, and 32 namespaces 200 KB; a program that
/// announces more than this is not the database, or not sane.
pub(super) const MAX_BODY: usize = 1 << 20;

/// The longest piece of a node's words that is shown to anybody.
const LONGEST_SHOWN: usize = 200;

/// As much of a node's words as is shown.
pub(super) fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST_SHOWN))
        .unwrap_or_default()
}

/// The number that a node gives for this field, if it gives one.
///
/// # Errors
///
/// It is none, or a larger one than there can be: a node that says so is not to
/// be believed in anything.
pub(super) fn number(field: &str, value: &str, most: u64) -> Result<u64, String> {
    match value.parse() {
        Ok(number) if number <= most => Ok(number),
        _ => Err(format!(
            "{field}: found '{}'; allowed: 0 to {most}",
            cut(value)
        )),
    }
}

const VERSION: u8 = 2;
const TYPE_INFO: u8 = 1;

/// Bytes that are no answer to what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// The first bytes are no header of the info protocol.
    #[error("the first bytes {0:02x?} are no info header")]
    Header([u8; HEADER]),
    /// The header announces an absurd length.
    #[error("an answer of {0} bytes is announced; at most {MAX_BODY} are read")]
    TooLong(u64),
    /// More bytes than announced: nobody asked for a second answer.
    #[error("{0} bytes follow the answer")]
    Surplus(usize),
    /// The body is not text.
    #[error("the answer is not text")]
    NotText,
    /// It holds what would move a cursor, turn a line round or hide: no server does.
    #[error("the answer holds the character {0:#x}, which no server sends")]
    Harmful(u32),
    /// The answer has no line for this command where it belongs.
    #[error("the answer to '{0}' is missing")]
    Missing(String),
}

/// The bytes that ask all these commands in one request.
pub(super) fn encode(commands: &[impl AsRef<str>]) -> Vec<u8> {
    let length: usize = commands.iter().map(|c| c.as_ref().len() + 1).sum();
    let mut request = Vec::with_capacity(HEADER + length);
    // Version and type lie above the 6 bytes of the length.
    let header =
        u64::from(VERSION) << 56 | u64::from(TYPE_INFO) << 48 | (length as u64 & 0xFFFF_FFFF_FFFF);
    request.extend_from_slice(&header.to_be_bytes());
    for command in commands {
        request.extend_from_slice(command.as_ref().as_bytes());
        request.push(b'\n');
    }
    request
}

/// The body of the answer that `received` holds; none while it is incomplete.
///
/// # Errors
///
/// What was received cannot become an answer, whatever follows.
pub(super) fn decode(received: &[u8]) -> Result<Option<&[u8]>, Malformed> {
    let Some((header, rest)) = received.split_first_chunk::<HEADER>() else {
        return Ok(None);
    };
    let [version, kind, length @ ..] = header;
    if (*version, *kind) != (VERSION, TYPE_INFO) {
        return Err(Malformed::Header(*header));
    }
    let length = length.iter().fold(0, |sum, b| sum << 8 | u64::from(*b));
    let body = usize::try_from(length).ok().filter(|l| *l <= MAX_BODY);
    let body = body.ok_or(Malformed::TooLong(length))?;
    match rest.len() {
        have if have < body => Ok(None),
        have if have > body => Err(Malformed::Surplus(have - body)),
        _ => Ok(Some(rest)),
    }
}

/// What a node replied to one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// `ok`: the request was taken.
    Ok,
    /// `ERROR:CODE:TEXT` or `ERROR::TEXT`.
    Error {
        /// The code, when there is one.
        code: Option<u16>,
        /// The reason, in the server's words.
        text: &'a str,
    },
    /// Anything else.
    Data(&'a str),
}

impl<'a> Value<'a> {
    pub(super) fn read(value: &'a str) -> Value<'a> {
        if value.eq_ignore_ascii_case("ok") {
            return Value::Ok;
        }
        let Some(error) = value.strip_prefix("ERROR") else {
            return Value::Data(value);
        };
        let error = error.trim_start_matches(':').trim();
        match error
            .split_once(':')
            .map(|(code, text)| (code.parse(), text))
        {
            Some((Ok(code), text)) => Value::Error {
                code: Some(code),
                text,
            },
            _ => Value::Error {
                code: error.parse().ok(),
                text: error,
            },
        }
    }
}

/// The first character that is no part of any value: they come to stand in logs.
pub(super) fn harmful(value: &str) -> Option<u32> {
    value.chars().find(|c| is_harmful(*c)).map(u32::from)
}

/// The values of the answer to `commands`, in their order.
///
/// # Errors
///
/// The body is not text, or a command has no answer.
pub(super) fn values<'a>(
    body: &'a [u8],
    commands: &[impl AsRef<str>],
) -> Result<Vec<Value<'a>>, Malformed> {
    let body = std::str::from_utf8(body).map_err(|_| Malformed::NotText)?;
    let mut lines = body.split('\n');
    let mut values = Vec::with_capacity(commands.len());
    for command in commands {
        let command = command.as_ref();
        let line = lines.next().and_then(|line| line.strip_prefix(command));
        let value = line.and_then(|line| line.strip_prefix('\t'));
        let value = value.ok_or_else(|| Malformed::Missing(command.to_owned()))?;
        if let Some(found) = harmful(value) {
            return Err(Malformed::Harmful(found));
        }
        values.push(Value::read(value));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(body: &str) -> Vec<u8> {
        let mut frame = vec![2, 1];
        frame.extend_from_slice(&(body.len() as u64).to_be_bytes()[2..]);
        frame.extend_from_slice(body.as_bytes());
        frame
    }

    #[test]
    fn a_request_is_a_header_and_one_line_per_command() {
        let request = encode(&["build", "node", "status"]);
        assert_eq!(request, frame("build\nnode\nstatus\n"));
        assert_eq!(request[..8], [2, 1, 0, 0, 0, 0, 0, 18]);
    }

    #[test]
    fn recorded_replies_are_read() {
        for (value, expected) in [
            ("ok", Value::Ok),
            ("8.0.0.15", Value::Data("8.0.0.15")),
            ("", Value::Data("")),
            (
                "ERROR:4:missing 'port'",
                Value::Error {
                    code: Some(4),
                    text: "missing 'port'",
                },
            ),
            (
                "ERROR:4:'port' must be an integer",
                Value::Error {
                    code: Some(4),
                    text: "'port' must be an integer",
                },
            ),
            (
                "ERROR::0 cleared, 1 not found",
                Value::Error {
                    code: None,
                    text: "0 cleared, 1 not found",
                },
            ),
            (
                "ERROR:25:enterprise only",
                Value::Error {
                    code: Some(25),
                    text: "enterprise only",
                },
            ),
        ] {
            let body = format!("tip:host=10.0.1.6;port=3002\t{value}\n");
            let values = values(body.as_bytes(), &["tip:host=10.0.1.6;port=3002"]);
            assert_eq!(values, Ok(vec![expected]), "{value}");
        }
    }

    #[test]
    fn three_commands_are_answered_by_three_lines() {
        let received = frame("build\t8.0.0.15\nnode\tBB90501000A4202\nstatus\tok\n");
        let body = decode(&received).unwrap().unwrap();
        assert_eq!(
            values(body, &["build", "node", "status"]).unwrap(),
            [
                Value::Data("8.0.0.15"),
                Value::Data("BB90501000A4202"),
                Value::Ok
            ]
        );
        assert_eq!(
            values(body, &["node", "build"]),
            Err(Malformed::Missing("node".into()))
        );
        assert_eq!(
            values(body, &["build", "node", "status", "mesh"]),
            Err(Malformed::Missing("mesh".into()))
        );
    }

    #[test]
    fn what_is_no_answer_is_said_to_be_none() {
        let http = b"HTTP/1.1 400 Bad Request\r\n";
        assert!(matches!(decode(http), Err(Malformed::Header(_))));
        let absurd = [2, 1, 0xFF, 0, 0, 0, 0, 0];
        assert_eq!(decode(&absurd), Err(Malformed::TooLong(0xFF << 40)));
        let mut surplus = frame("node\tA\n");
        surplus.push(b'x');
        assert_eq!(decode(&surplus), Err(Malformed::Surplus(1)));
        assert_eq!(values(&[0xFF], &["node"]), Err(Malformed::NotText));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), valid: bool) {
            let mut bytes = bytes;
            if valid && bytes.len() >= HEADER {
                let length = bytes.len() - HEADER;
                bytes[..HEADER].copy_from_slice(&[2, 1, 0, 0, 0, 0, 0, length as u8]);
            }
            if let Ok(Some(body)) = decode(&bytes) {
                let _ = values(body, &["node", "build"]);
            }
        }

        #[test]
        fn wherever_it_is_cut_the_rest_is_awaited(
            value in "[ -~À-ÿ一-龥]{0,40}",
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = frame(&format!("node\t{value}\n"));
            let cut = cut.index(whole.len());
            prop_assert_eq!(decode(&whole[..cut]), Ok(None));
            let body = decode(&whole).unwrap().unwrap();
            prop_assert_eq!(values(body, &["node"]).unwrap(), [Value::read(&value)]);
        }
    }
}
