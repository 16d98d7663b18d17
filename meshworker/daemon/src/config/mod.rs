//! Flags, variables, file and labels: one validated configuration.
//!
//! All four speak of the same table of settings. They are collected as text
//! ([`Raw`]), merged by precedence (flag over variable over file over label
//! over default), and validated once into a [`Cluster`]; later code sees only
//! that.

mod cluster;
mod file;
mod hooks;
mod inputs;
pub mod labels;
mod raw;
mod reader;
pub mod setting;

pub use cluster::{Cluster, Dns, Docker, IpFamily, Kubernetes, Surroundings};
pub(crate) use file::parse as parse_file;
pub use file::{FileError, read as read_file};
pub use hooks::{Hook, Hooks};
pub use inputs::{Inputs, InvalidInputs};
pub use raw::{Given, Origin, Raw, UnknownSetting};
pub use reader::{
    Invalid, PORT, Reader, SECONDS, port_number, seconds, seconds_or_zero, some_text, valid_name,
    variable,
};
