//! The settings on which nothing acknowledged being lost depends: how a server is started,
//! and how it says that it was.

use std::net::IpAddr;

use super::client::{Silence, Talk};
use super::look::text;

/// Each with its value as an argument, and as the server says it.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("log_bin", "binlog", "1"),
    ("log_slave_updates", "1", "1"),
    ("gtid_strict_mode", "1", "1"),
    ("binlog_format", "ROW", "ROW"),
    ("sync_binlog", "1", "1"),
    ("innodb_flush_log_at_trx_commit", "1", "1"),
    (
        "rpl_semi_sync_master_wait_point",
        "AFTER_SYNC",
        "AFTER_SYNC",
    ),
    // A thousand years: one that gives up waiting acknowledges what only it has.
    ("rpl_semi_sync_master_timeout", "31536000000", "31536000000"),
    ("rpl_semi_sync_master_wait_no_slave", "1", "1"),
];

/// Those that may change while it runs, or matter less.
const MORE: &[&str] = &[
    "--read-only=1",
    "--skip-slave-start=1",
    "--rpl-semi-sync-master-enabled=0",
    "--rpl-semi-sync-slave-enabled=1",
    // Shorter stops of a replica whose primary hangs.
    "--rpl-semi-sync-slave-kill-conn-timeout=1",
    "--slave-net-timeout=1",
    "--relay-log=relay",
    // One thread is seconds behind under load, and what is behind keeps a fail-over waiting.
    "--slave-parallel-threads=4",
    "--slave-parallel-mode=optimistic",
];

/// The arguments of a server: all that matters, whatever stands in its files.
pub fn arguments(server: u32, address: IpAddr, role: &str) -> Vec<String> {
    let own = [
        format!("--server-id={server}"),
        format!("--report-host={address}"),
        format!("--init-rpl-role={role}"),
    ];
    let usual = SETTINGS.iter().map(|(name, value, _)| {
        let name = name.replace('_', "-");
        format!("--{name}={value}")
    });
    let more = MORE.iter().map(|argument| (*argument).to_owned());
    own.into_iter().chain(usual).chain(more).collect()
}

/// What has a primary that runs never acknowledge what only it has.
pub fn never_stops_waiting() -> String {
    let semi_sync = SETTINGS
        .iter()
        .filter(|(name, ..)| name.starts_with("rpl_semi_sync_master"));
    let set = semi_sync.map(|(name, _, must)| format!("SET GLOBAL {name} = {must}; "));
    set.collect()
}

/// Which settings of a server are not as they must be, and how they must be.
///
/// # Errors
///
/// It gave no usable answer.
pub async fn faults(talk: &mut Talk<'_>) -> Result<Vec<String>, Silence> {
    let asked: Vec<String> = (SETTINGS.iter())
        .map(|(name, _, _)| format!("@@global.{name} {name}"))
        .collect();
    let row = talk.row(&format!("SELECT {}", asked.join(", "))).await?;
    let found = |name: &str| row.as_ref().map(|row| text(row, name)).unwrap_or_default();
    let wrong = SETTINGS.iter().filter_map(|(name, _, must)| {
        let found = found(name);
        (found != *must).then(|| format!("{name} is {found}; allowed: {must}"))
    });
    Ok(wrong.collect())
}
