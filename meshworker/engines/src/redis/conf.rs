//! Lines of `redis.conf` with which members do not start, or lead clients astray.

use crate::{Configured, Mistake};

/// Releases of Redis from 2026 on want it where the bus is not encrypted; whoever does
/// not know it ends at once (redis/redis#15722).
const PROTECTED: &str = "cluster-bus-port-protected-mode";

/// The mistakes in the members' configuration files.
pub(super) fn mistakes(configured: &Configured<'_>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for text in configured.files {
        let line = |name: &str| line(text, name);
        let refuses = configured.image.is_some_and(refuses_protected);
        if line(PROTECTED).is_some() && refuses {
            mistakes.push(Mistake {
                what: format!("The members' configuration says {PROTECTED}, which their image does not know."),
                why: "A server ends at once when its configuration has a line that it does not know.",
                instead: "tls-cluster yes\n(no such line: an encrypted bus needs none)".into(),
            });
        }
        let announced = line("cluster-announce-hostname");
        let led = line("cluster-preferred-endpoint-type");
        if led == Some("hostname") && announced.is_some_and(is_for_workers) {
            mistakes.push(Mistake {
                what: "The members' configuration leads clients to host names that no name server knows.".into(),
                why: "The announced name tells workers the slot and the node; a client that dials it finds nobody.",
                instead: "cluster-preferred-endpoint-type ip".into(),
            });
        }
    }
    mistakes
}

/// The value of a line; the last one counts, as for the server.
fn line<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let lines = text.lines().rev();
    let mut values = lines.filter_map(|line| {
        let (found, value) = line.trim().split_once(char::is_whitespace)?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    });
    values.next()
}

/// Whether Swarm fills in the slot or the node, as in the stack.
fn is_for_workers(name: &str) -> bool {
    name.contains(".Task.Slot") || name.contains(".Node.ID")
}

/// Whether a server of this image certainly does not know that line: Redis up to 7,
/// and Valkey.
fn refuses_protected(image: &str) -> bool {
    let image = image.split('@').next().unwrap_or_default();
    let name = image.rsplit('/').next().unwrap_or_default();
    let (name, tag) = name.split_once(':').unwrap_or((name, ""));
    let major = tag.split(['.', '-']).next().unwrap_or_default();
    name.contains("valkey") || (name.contains("redis") && matches!(major, "5" | "6" | "7"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn found(image: &str, text: &str) -> Vec<Mistake> {
        mistakes(&Configured {
            options: &BTreeMap::new(),
            files: &[text.to_owned()],
            cluster_name: None,
            image: Some(image),
        })
    }

    #[test]
    fn the_stacks_configuration_is_right_for_every_server() {
        let shipped = include_str!("../../../../secrets/redis.conf");
        for image in ["redis:7.4", "valkey/valkey:8.0", "redis", "redis:9"] {
            assert_eq!(found(image, shipped), []);
        }
        // Else each member that is updated waits for 16 s of timers.
        for (name, value) in [
            ("repl-diskless-sync-delay", "0"),
            ("cluster-allow-replica-migration", "no"),
        ] {
            assert_eq!(line(shipped, name), Some(value));
        }
    }

    #[test]
    fn a_line_that_only_later_servers_know_ended_all_others_at_once() {
        let text = "port 6379\ncluster-bus-port-protected-mode no\n";
        for image in [
            "redis:7.4",
            "r:5000/a/redis-member:7.4.1-alpine",
            "valkey/valkey:8",
        ] {
            let mistakes = found(image, text);
            assert!(
                mistakes.len() == 1 && mistakes[0].what.contains(PROTECTED),
                "{image}"
            );
        }
        // Of those nobody here knows what they take.
        for image in ["redis:9.0", "redis", "redis:latest", "registry:7/db"] {
            assert_eq!(found(image, text), [], "{image}");
        }
        assert_eq!(
            found("redis:7", "# cluster-bus-port-protected-mode no\n"),
            []
        );
    }

    #[test]
    fn clients_were_led_to_names_that_nobody_knows() {
        let name = "cluster-announce-hostname redis.{{ .Task.Slot }}.{{ .Node.ID }}\n";
        let led = "cluster-preferred-endpoint-type hostname\n";
        let mistakes = found("redis:7", &format!("{name}{led}"));
        assert!(
            mistakes.len() == 1 && mistakes[0].instead.ends_with("ip"),
            "{mistakes:?}"
        );
        assert_eq!(found("redis:7", name), []);
        assert_eq!(
            found(
                "redis:7",
                &format!("cluster-announce-hostname db.example\n{led}")
            ),
            []
        );
    }
}
