//! Keys that have no letter.

/// A key, as WebDriver writes it
/// (<https://www.w3.org/TR/webdriver2/#keyboard-actions>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// To the next place.
    Tab,
    /// Presses what has the focus.
    Enter,
    /// Closes.
    Escape,
}

impl Key {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Key::Tab => "\u{e004}",
            Key::Enter => "\u{e007}",
            Key::Escape => "\u{e00c}",
        }
    }
}
