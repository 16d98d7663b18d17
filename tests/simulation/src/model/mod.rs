//! A model of a replicated database: the part of the world that the gates
//! protect, and the I/O-free half of its engine.

mod database;
mod fragment;
mod node;
mod planner;
mod request;
mod view;

pub use database::{Database, START};
pub use fragment::Fragment;
pub use node::{Cause, Death, Node, UNITS};
pub use planner::{CLUSTER, Engine, FLOOR};
pub use request::Ask;
pub use view::Detail;
