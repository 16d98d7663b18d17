//! What the log is written through: an event is one line, whoever's words are in it.

use std::io::{self, Write};

use crate::words::{dull, plain_json};

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As text.
    Plain,
    /// As text with colours, which are escape sequences.
    Coloured,
    /// As JSON.
    Json,
}

/// Writes events, each of which comes whole and ends its line.
#[derive(Debug)]
pub struct Lines<W> {
    to: W,
    form: Form,
}

impl<W: Write> Lines<W> {
    /// Writes to this, in this form.
    pub fn new(to: W, form: Form) -> Lines<W> {
        Lines { to, form }
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let (line, end) = match text.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (&*text, ""),
        };
        let line = match self.form {
            Form::Plain => dull(line).into_owned(),
            Form::Coloured => coloured(line),
            Form::Json => plain_json(line).into_owned(),
        };
        self.to.write_all((line + end).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The line with its colours (ECMA-48, SGR), and no other sequence.
fn coloured(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut plain = dull(parts.next().unwrap_or_default()).into_owned();
    for part in parts {
        let rest = part.strip_prefix('[');
        let rest =
            rest.map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';'));
        let is_colour = rest.is_some_and(|rest| rest.starts_with('m'));
        plain.push(if is_colour { '\u{1b}' } else { ' ' });
        plain += &dull(part);
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use meshworker_core::{NASTY, is_harmful};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let kept = self.0.lock().map_err(|_| io::ErrorKind::Other);
            kept?.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What two events with this word look like.
    fn logged(form: Form, word: &str) -> String {
        let kept = Kept::default();
        let to = kept.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(move || Lines::new(to.clone(), form))
            .with_ansi(form == Form::Coloured);
        let registry = tracing_subscriber::registry();
        let log = || {
            tracing::warn!(word, other = %word, third = ?word, "said: {word}");
            tracing::info!(cluster = %word, "{word}");
        };
        match form {
            Form::Json => tracing::subscriber::with_default(registry.with(layer.json()), log),
            _ => tracing::subscriber::with_default(registry.with(layer), log),
        }
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_event_is_a_line_whoevers_words_are_in_it() {
        for nasty in NASTY {
            for form in [Form::Plain, Form::Coloured, Form::Json] {
                let log = logged(form, nasty);
                assert_eq!(log.lines().count(), 2, "{form:?}: {log:?}");
                let ours = |c: char| c == '\n' || c == '\u{1b}' && form == Form::Coloured;
                let bad = log.chars().find(|c| is_harmful(*c) && !ours(*c));
                assert_eq!(bad, None, "{form:?}: {log:?}");
                if form == Form::Json {
                    for line in log.lines() {
                        let event: serde_json::Value = serde_json::from_str(line).unwrap();
                        let said = event["fields"]["message"].as_str().unwrap();
                        assert!(!said.chars().any(is_harmful), "{said:?}");
                    }
                }
                // What a terminal would obey of others is not among its colours.
                assert!(!log.contains("\u{1b}[2J"), "{log:?}");
            }
        }
    }
}
