//! The commands that no real server has: records as plain text, misbehaviour, counters. All begin with `sim-`.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::command::Command;
use crate::fabric;
use crate::node::Node;

/// How long a read or write is tried before it fails, unless `timeout-ms` says otherwise: longer than it takes to notice a dead node,
/// or to write many records on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);
/// The most records that one command may name.
const MAX_RANGE: u64 = 1_000_000;

/// The value of a `sim-` command.
pub(super) async fn answer(node: &Arc<Node>, command: &Command<'_>) -> String {
    let done = match command.name {
        "sim-put" => put(node, command).await,
        "sim-put-many" => put_many(node, command).await,
        "sim-get" => get(node, command).await,
        "sim-check-many" => check_many(node, command).await,
        "sim-count" => count(node, command).await,
        "sim-misbehave" => misbehave(node, command),
        "sim-migrate-rate" => migrate_rate(node, command),
        "sim-requests" => Ok(requests(node)),
        "sim-requests-reset" => {
            node.counters.reset();
            Ok("ok".to_owned())
        }
        "sim-seeds" => Ok(node
            .state()
            .seeds
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(",")),
        _ => Err(super::unrecognized()),
    };
    done.unwrap_or_else(|error| error)
}

async fn put(node: &Arc<Node>, command: &Command<'_>) -> Result<String, String> {
    let namespace = namespace(node, command)?;
    let record = (
        required(command, "key")?.to_owned(),
        required(command, "value")?.to_owned(),
    );
    match fabric::put(node, namespace, vec![record], deadline(command)?).await {
        1 => Ok("ok".to_owned()),
        _ => Err("ERROR:9:not written to all owners in time".to_owned()),
    }
}

async fn put_many(node: &Arc<Node>, command: &Command<'_>) -> Result<String, String> {
    let namespace = namespace(node, command)?;
    let value = command.param("value");
    let records: Vec<(String, String)> = range(command)?
        .into_iter()
        .map(|key| {
            let value = value.map_or_else(|| format!("value of {key}"), ToOwned::to_owned);
            (key, value)
        })
        .collect();
    let total = records.len();
    let written = fabric::put(node, namespace, records, deadline(command)?).await;
    Ok(format!("written={written};failed={}", total - written))
}

async fn get(node: &Arc<Node>, command: &Command<'_>) -> Result<String, String> {
    let namespace = namespace(node, command)?;
    let key = required(command, "key")?;
    match fabric::get(node, namespace, key, deadline(command)?).await {
        Ok(Some(record)) => Ok(record.value),
        Ok(None) => Err("ERROR:2:not found".to_owned()),
        Err(error) => Err(format!("ERROR:9:{error}")),
    }
}

async fn check_many(node: &Arc<Node>, command: &Command<'_>) -> Result<String, String> {
    let namespace = namespace(node, command)?;
    let keys = range(command)?;
    let total = keys.len();
    match fabric::check(node, namespace, keys, deadline(command)?).await {
        Ok(found) => Ok(format!("found={found};missing={}", total - found)),
        Err(error) => Err(format!("ERROR:9:{error}")),
    }
}

async fn count(node: &Arc<Node>, command: &Command<'_>) -> Result<String, String> {
    let namespace = namespace(node, command)?;
    let count = fabric::count(node, namespace, deadline(command)?).await;
    count
        .map(|count| count.to_string())
        .map_err(|error| format!("ERROR:9:{error}"))
}

fn misbehave(node: &Node, command: &Command<'_>) -> Result<String, String> {
    // Everything after `mode=`: a mode may have an argument, `slow=250`.
    let how = required(command, "mode")?
        .parse()
        .map_err(|problem| format!("ERROR:4:{problem}"))?;
    node.misbehave(how);
    Ok("ok".to_owned())
}

fn migrate_rate(node: &Node, command: &Command<'_>) -> Result<String, String> {
    node.set_migrate_rate(number(command, "partitions-per-second")?);
    Ok("ok".to_owned())
}

fn requests(node: &Node) -> String {
    let counts = node.counters.snapshot();
    let own = [
        ("(connections)", counts.connections),
        ("(round-trips)", counts.round_trips),
        ("(name-warnings)", counts.name_warnings),
    ];
    own.into_iter()
        .chain(
            counts
                .commands
                .iter()
                .map(|(name, count)| (name.as_str(), *count)),
        )
        .map(|(name, count)| format!("{name}={count}"))
        .collect::<Vec<_>>()
        .join(";")
}

/// The keys of `prefix=P;from=A;to=B`, both ends included.
fn range(command: &Command<'_>) -> Result<Vec<String>, String> {
    let prefix = required(command, "prefix")?;
    let (from, to): (u64, u64) = (number(command, "from")?, number(command, "to")?);
    if to < from || to - from >= MAX_RANGE {
        return Err(format!(
            "ERROR:4:'from' and 'to' must name 1 to {MAX_RANGE} records"
        ));
    }
    Ok((from..=to)
        .map(|number| format!("{prefix}{number}"))
        .collect())
}

fn namespace<'a>(node: &Node, command: &Command<'a>) -> Result<&'a str, String> {
    let name = required(command, "ns")?;
    if node.shared_world {
        return Err("ERROR:4:a shared world holds no records".to_owned());
    }
    match node.state().store.namespace(name) {
        Some(_) => Ok(name),
        None => Err("ERROR:20:unknown namespace".to_owned()),
    }
}

fn required<'a>(command: &Command<'a>, name: &str) -> Result<&'a str, String> {
    command
        .param(name)
        .ok_or_else(|| format!("ERROR:4:missing '{name}'"))
}

fn number<T: std::str::FromStr>(command: &Command<'_>, name: &str) -> Result<T, String> {
    required(command, name)?
        .parse()
        .map_err(|_| format!("ERROR:4:'{name}' must be an integer"))
}

fn deadline(command: &Command<'_>) -> Result<Instant, String> {
    let within = match command.param("timeout-ms") {
        None => DEADLINE,
        Some(_) => Duration::from_millis(number::<u32>(command, "timeout-ms")?.into()),
    };
    Ok(Instant::now() + within)
}
