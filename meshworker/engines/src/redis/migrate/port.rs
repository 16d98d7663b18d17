//! Where `MIGRATE` goes.

use std::collections::BTreeMap;

use redis::{Pipeline, Value};
use tokio::time::Instant;

use crate::redis::client::Lease;
use crate::redis::wire::text;

/// The port at which a master takes keys from another one: not the one that clients use
/// where the bus has TLS and they have none, since `MIGRATE` encrypts what the bus
/// encrypts (seen: to a plain port it ends in `IOERR`).
///
/// Who may not read the configuration, or has another one, is taken to use the
/// clients' port.
pub async fn port(target: &mut Lease, clients: u16, deadline: Instant) -> u16 {
    let replies = target.exchange(&question(), deadline).await;
    replies.map_or(clients, |replies| of(&replies).unwrap_or(clients))
}

fn question() -> Pipeline {
    let mut commands = redis::pipe();
    // One at a time, as servers before 7.0 want it.
    for name in ["tls-cluster", "tls-port", "port"] {
        commands.cmd("CONFIG").arg("GET").arg(name);
    }
    commands
}

fn of(replies: &[Value]) -> Option<u16> {
    let settings: BTreeMap<String, String> = replies.iter().filter_map(setting).collect();
    let encrypted = settings.get("tls-cluster").is_some_and(|set| set == "yes");
    let port = settings.get(if encrypted { "tls-port" } else { "port" })?;
    port.parse().ok().filter(|port| *port > 0)
}

/// A name and its value, however the server writes the pair.
fn setting(reply: &Value) -> Option<(String, String)> {
    match reply {
        Value::Array(pair) => match pair.as_slice() {
            [name, value] => Some((text(name)?, text(value)?)),
            _ => None,
        },
        Value::Map(pairs) => pairs
            .first()
            .and_then(|(name, value)| Some((text(name)?, text(value)?))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(name: &str, value: &str) -> Value {
        let text = |text: &str| Value::BulkString(text.into());
        Value::Array(vec![text(name), text(value)])
    }

    #[test]
    fn keys_go_where_the_bus_goes() {
        let of = |encrypted, tls, plain| {
            of(&[
                reply("tls-cluster", encrypted),
                reply("tls-port", tls),
                reply("port", plain),
            ])
        };
        assert_eq!(of("yes", "6380", "6379"), Some(6380));
        assert_eq!(of("yes", "6379", "0"), Some(6379));
        assert_eq!(of("no", "6380", "6379"), Some(6379));
        assert_eq!(of("no", "0", "6379"), Some(6379));
    }

    #[test]
    fn whoever_does_not_tell_uses_the_clients_port() {
        let denied = Value::SimpleString("NOPERM".into());
        assert_eq!(of(&[denied.clone(), denied.clone(), denied]), None);
        assert_eq!(
            of(&[
                Value::Array(vec![]),
                Value::Array(vec![]),
                reply("port", "x")
            ]),
            None
        );
    }
}
