//! What is spoken on a connection.

/// What is spoken on a connection. The stream carries no version: it is told from what
/// comes.
///
/// | generation | releases | here |
/// |---|---|---|
/// | G1 | 2.x to 3.6.4 | `Old`: no frames |
/// | G2 | 3.6.5 to 3.6.20 | `Framed`, without the sender |
/// | G3, G4, G5 | 4.0, 5.2.6, 5.4.4 and later | `Framed` with it: one, until a heartbeat shows that it is not G3 |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// Without frames, as up to 3.6.4.
    Old,
    /// In frames.
    Framed {
        /// Whether who sends is a field of its own.
        sender: bool,
    },
}
