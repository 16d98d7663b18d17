//! A replica becomes an empty master: on disk as well.
//!
//! `CLUSTER RESET` empties a replica's memory and not its append-only file: after
//! a crash it would load its former master's keys, also those that were deleted
//! since, and the slots of these keys would be pulled to it. `FLUSHALL` is
//! written to that file.

use redis::Value;
use tokio::time::Instant;

use super::client::Lease;
use super::detail::field;
use super::perform::{cluster, own_entry, said, unanswered};
use super::wire::refusal;
use crate::Failure;

/// Removes from the disk what is no longer in memory, and nothing else: in one
/// piece with the question whether memory is empty.
const CLEAR: &str = "\
if redis.call('DBSIZE') > 0 then return 'it holds keys' end
return redis.call('FLUSHALL')";

/// Resets a replica of this master. A master without keys would give up its
/// slots, and they would be nobody's: so the node is asked once more what it is.
///
/// # Errors
///
/// The node refused, or gave no answer; or its copy may still be on its disk.
pub async fn reset(lease: &mut Lease, master: &str, deadline: Instant) -> Result<String, Failure> {
    let own = own_entry(lease, deadline).await?;
    if own.is_none_or(|own| own.master.as_deref() != Some(master)) {
        return Ok(format!("it does not follow {master}"));
    }
    // A file that is being written would have all keys of before, if the node were
    // killed meanwhile.
    let mut info = redis::pipe();
    info.cmd("INFO").arg("persistence");
    let info = said(lease.exchange(&info, deadline).await)?;
    if field(&info, "aof_rewrite_in_progress") == Some("1") {
        return Err(Failure::Refused(
            "it is writing its append-only file, and is reset when that is done".into(),
        ));
    }
    // At once, so that nobody who dies leaves the one without the other.
    let mut commands = cluster("RESET");
    commands.arg("SOFT").cmd("EVAL").arg(CLEAR).arg(0);
    let replies = lease.exchange(&commands, deadline).await;
    let replies = replies.map_err(unanswered)?;
    if let Some(why) = replies.first().and_then(refusal) {
        return Err(Failure::Refused(why));
    }
    match replies.get(1) {
        Some(Value::Okay) => Ok("OK".into()),
        Some(reply) if refusal(reply).is_none() => Ok("OK, and it holds keys again".into()),
        _ => clear(lease, deadline).await,
    }
}

/// The same for a user that must not run scripts. Whoever was reset a moment ago
/// knows nobody who could give it keys in between.
async fn clear(lease: &mut Lease, deadline: Instant) -> Result<String, Failure> {
    let own = own_entry(lease, deadline).await?;
    let mut size = redis::pipe();
    size.cmd("DBSIZE");
    let size = lease.exchange(&size, deadline).await.map_err(unanswered)?;
    let empty = size.first() == Some(&Value::Int(0));
    if !empty || own.is_none_or(|own| own.replica || !own.slots.is_empty()) {
        return Ok("OK, and it holds data again".into());
    }
    let mut flush = redis::pipe();
    flush.cmd("FLUSHALL");
    said(lease.exchange(&flush, deadline).await).map_err(|failure| match failure {
        Failure::Refused(why) => Failure::Refused(format!(
            "its former master's keys are still on its disk, and return when it crashes: send it \
             FLUSHALL, and give the worker's user +flushall or +eval ({why})"
        )),
        other => other,
    })
}
