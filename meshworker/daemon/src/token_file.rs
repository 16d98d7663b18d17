//! Tokens in a file, one a line: the new one and the old one, so that a change
//! needs no stop.

use std::fmt;

use meshworker_engines::{SecretFile, SecretFileError};
use subtle::ConstantTimeEq;

/// In bytes. Who can guess a token has it; `openssl rand -hex 24` makes 48.
const SHORTEST: usize = 16;

/// In bytes.
const LONGEST: usize = 1024;

/// So many tokens at a time: one more than a change needs, for a change of it.
const MOST: usize = 3;

/// A token. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// Why a text is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoToken {
    /// Its length, in bytes.
    #[error(
        "found {0} bytes; allowed: {SHORTEST} to {LONGEST} bytes, such as `openssl rand -hex 24` makes"
    )]
    Length(usize),
    /// It could not stand in a header.
    #[error("found white space or what is no ASCII; allowed: visible ASCII characters")]
    Characters,
}

/// A file holds no tokens that can be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// One of its lines is no token.
    #[error("{file}: line {line}: {why}")]
    Line {
        /// The file.
        file: String,
        /// Counted from 1.
        line: usize,
        /// Why not.
        why: NoToken,
    },
    /// It holds too many.
    #[error("{file}: found {found} tokens; allowed: {MOST} at most, one a line")]
    Many {
        /// The file.
        file: String,
        /// How many.
        found: usize,
    },
}

impl Token {
    /// The token, to derive from and to compare with.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The token, to be sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for Token {
    type Error = NoToken;

    fn try_from(text: &str) -> Result<Token, NoToken> {
        if !(SHORTEST..=LONGEST).contains(&text.len()) {
            return Err(NoToken::Length(text.len()));
        }
        // A space inside does no harm, and a pass phrase has some.
        let visible = |c: char| c.is_ascii_graphic() || c == ' ';
        if !text.chars().all(visible) {
            return Err(NoToken::Characters);
        }
        Ok(Token(text.to_owned()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// A file with one token a line, read at each use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFile(SecretFile);

impl TokenFile {
    /// The tokens in this file, which need not exist yet.
    pub fn new(path: impl Into<std::path::PathBuf>) -> TokenFile {
        TokenFile(SecretFile::new(path))
    }

    /// The tokens, in the file's order; at least one.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds what is no token.
    pub fn read(&self) -> Result<Vec<Token>, TokenFileError> {
        tokens_in(&self.0.read()?, &self.0.path().display().to_string())
    }

    /// The first token: the one to come with.
    ///
    /// # Errors
    ///
    /// As [`TokenFile::read`].
    pub fn first(&self) -> Result<Token, TokenFileError> {
        let first = self.read()?.into_iter().next();
        first.ok_or_else(|| {
            TokenFileError::File(SecretFileError::Empty {
                path: self.0.path().to_owned(),
            })
        })
    }

    /// Whether both files hold one token: whoever has the one then has the other.
    pub fn shares_with(&self, other: &TokenFile) -> bool {
        let (Ok(own), Ok(others)) = (self.read(), other.read()) else {
            return false;
        };
        own.iter().any(|token| others.contains(token))
    }
}

/// The tokens in the content of this file.
pub(crate) fn tokens_in(content: &str, file: &str) -> Result<Vec<Token>, TokenFileError> {
    let lines = content.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, text)| !text.is_empty());
    let tokens = lines.map(|(number, text)| {
        Token::try_from(text).map_err(|why| TokenFileError::Line {
            file: file.to_owned(),
            line: number + 1,
            why,
        })
    });
    let tokens: Vec<Token> = tokens.collect::<Result<_, _>>()?;
    if tokens.len() > MOST {
        let found = tokens.len();
        return Err(TokenFileError::Many {
            file: file.to_owned(),
            found,
        });
    }
    Ok(tokens)
}

/// Whether what was given is one of these tokens. Takes as long wherever the
/// first difference is.
pub fn is_one_of(given: &[u8], tokens: &[Token]) -> bool {
    let compared = tokens.iter().map(|token| given.ct_eq(token.as_bytes()));
    compared.fold(false, |found, same| found | bool::from(same))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(content: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file
    }

    fn read(content: &[u8]) -> Result<Vec<String>, String> {
        let file = written(content);
        let tokens = TokenFile::new(file.path()).read();
        let path = format!("{}: ", file.path().display());
        let tokens = tokens.map_err(|why| why.to_string().replace(&path, ""))?;
        Ok(tokens.into_iter().map(|token| token.0).collect())
    }

    #[test]
    fn one_token_a_line_each_long_enough() {
        let (new, old) = ("the-new-token-123", "the-old-token-123");
        for content in [
            format!("{new}\n{old}\n"),
            format!("\u{feff}{new}\r\n\r\n  {old} "),
        ] {
            assert_eq!(read(content.as_bytes()).unwrap(), [new, old], "{content:?}");
        }
        let refused = |content: &[u8]| read(content).unwrap_err();
        assert!(refused(b"0123456789abcde\n").starts_with("line 1: found 15 bytes; allowed: 16"));
        assert!(refused(format!("{new}\nshort").as_bytes()).starts_with("line 2: found 5 bytes"));
        assert!(refused("a token of dünn länge".as_bytes()).contains("visible ASCII"));
        assert!(refused(format!("{new}\n").repeat(4).as_bytes()).contains("found 4 tokens"));
        assert!(refused(b" \n\n").contains("found nothing in it"));
    }

    #[test]
    fn what_is_printed_of_a_token_is_not_it() {
        let token = Token::try_from("the-new-token-123").unwrap();
        assert_eq!(format!("{token:?}"), "Token");
    }
}
