//! The records: each one's value follows from its key, so that a wrong one is
//! seen without a list.

/// The key of a base record, from 1.
pub(crate) fn base(number: u64) -> (String, String) {
    (format!("key:{number}"), format!("value:{number}"))
}

/// The key and the value of a write of the continuous writer, from 1.
pub(crate) fn written(number: u64) -> (String, String) {
    (format!("w:{number}"), format!("written:{number}"))
}
