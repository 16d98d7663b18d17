//! Standard output: a terminal, or not.

use std::io::{self, ErrorKind, IsTerminal, Write};

use serde::Serialize;

use super::Failed;
use super::show::{Ink, Style};
use crate::words;

/// Standard output.
#[derive(Debug)]
pub struct Screen {
    /// Whether somebody looks at it.
    pub terminal: bool,
    /// How text is to look there.
    pub style: Style,
    /// Whether something was drawn over and over.
    drawn: bool,
}

impl Screen {
    /// As it is: colours only on a terminal, unless `NO_COLOR` says otherwise
    /// (<https://no-color.org>) or the terminal has none.
    pub fn new() -> Screen {
        let terminal = io::stdout().is_terminal();
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Screen {
            terminal,
            style: Style {
                colour: terminal && !set("NO_COLOR") && !dumb,
                ..Style::PLAIN
            },
            drawn: false,
        }
    }

    /// Prints a text and a line's end.
    pub fn print(&self, text: &str) -> Result<(), Failed> {
        written(writeln!(io::stdout(), "{text}"))
    }

    /// Prints a value as JSON: for people to read, or in one line.
    pub fn json(&self, value: &impl Serialize, one_line: bool) -> Result<(), Failed> {
        let text = if one_line {
            words::json(value)
        } else {
            words::pretty_json(value)
        };
        let text = text.map_err(|error| Failed::Goal(format!("no JSON: {error}")))?;
        self.print(&text)
    }

    /// Draws a page over the last one; elsewhere than on a terminal, below it
    /// with a line between them.
    pub fn draw(&mut self, page: &str) -> Result<(), Failed> {
        let first = !std::mem::replace(&mut self.drawn, true);
        if !self.terminal {
            let line = if first {
                String::new()
            } else {
                format!("{}\n", "-".repeat(self.style.width))
            };
            return self.print(&format!("{line}{page}"));
        }
        let rows = rustix::termios::tcgetwinsize(io::stdout()).map_or(0, |size| size.ws_row);
        let rows = if rows < 3 {
            usize::MAX
        } else {
            usize::from(rows) - 1
        };
        let mut lines: Vec<String> = page.lines().map(str::to_owned).collect();
        if lines.len() > rows {
            let hidden = lines.len() + 1 - rows;
            lines.truncate(rows - 1);
            lines.push(
                self.style
                    .paint(Ink::Dim, &format!("… {hidden} more lines")),
            );
        }
        // ECMA-48: to the first place, each line cleared behind its end, all
        // below cleared. A page that is drawn over does not flicker.
        let start = if first { "\x1b[2J\x1b[H" } else { "\x1b[H" };
        let drawn = lines.join("\x1b[K\n");
        written(write!(io::stdout(), "{start}{drawn}\x1b[K\n\x1b[J"))
    }

    /// Draws a line over the last one. Only for a terminal.
    pub fn redraw(&mut self, line: &str) -> Result<(), Failed> {
        self.drawn = true;
        written(write!(io::stdout(), "\r{line}\x1b[K"))
    }

    /// Ends the line that was drawn.
    pub fn end(&mut self) -> Result<(), Failed> {
        if std::mem::take(&mut self.drawn) {
            return self.print("");
        }
        Ok(())
    }
}

/// A closed pipe is the reader's wish, not our failure: nobody reads the rest.
fn written(result: io::Result<()>) -> Result<(), Failed> {
    match result.and_then(|()| io::stdout().flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Failed::Goal(format!("standard output: {error}"))),
    }
}
