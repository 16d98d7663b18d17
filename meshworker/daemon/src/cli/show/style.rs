//! Width and colour.

/// What a piece of text means; never by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// As it should be.
    Good,
    /// An operator should look.
    Warn,
    /// Not as it should be.
    Bad,
    /// Beside the point.
    Dim,
    /// A heading.
    Bold,
}

/// How text is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// No line is wider, in characters.
    pub width: usize,
    /// Whether to colour.
    pub colour: bool,
}

impl Style {
    /// What every terminal can show.
    pub const PLAIN: Style = Style {
        width: 80,
        colour: false,
    };

    /// The text with its meaning, in the terminal's own colours.
    pub fn paint(&self, ink: Ink, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        // ECMA-48, "Select Graphic Rendition".
        let code = match ink {
            Ink::Good => "32",
            Ink::Warn => "33",
            Ink::Bad => "1;31",
            Ink::Dim => "2",
            Ink::Bold => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
