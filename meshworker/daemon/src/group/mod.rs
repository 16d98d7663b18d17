//! Workers in consensus: what [`meshworker_group`] decides, on real disks.

pub mod store;
