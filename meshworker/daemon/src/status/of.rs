//! How a pass becomes a status.
