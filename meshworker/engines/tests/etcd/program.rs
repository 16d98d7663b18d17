//! Where etcd's server is.

use std::path::PathBuf;

use aerospike_sim::testing::installed;

/// Where the run of all tests has put it.
const VARIABLE: &str = "MESHWORKER_ETCD";

/// The server: as it is told, or as it is installed.
pub fn etcd() -> Option<PathBuf> {
    let told = std::env::var_os(VARIABLE).map(PathBuf::from);
    let found = told.or_else(|| installed("etcd"));
    if found.is_none() {
        let mend = "on Debian: apt-get install etcd-server, or MESHWORKER_ETCD=FILE; \
                    `cargo xtask test` fetches it";
        meshworker_needs::missing("etcd", mend);
    }
    found
}
