//! One member of a group, as it registers.

use crate::{Address, Name};

/// One member of a group, as it registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who it is: drawn anew each time that it joins.
    pub address: Address,
    /// What people call it.
    pub name: Option<Name>,
    /// Where others reach it: one place, but several or none where 2.12 says so.
    pub at: Box<[Address]>,
}
