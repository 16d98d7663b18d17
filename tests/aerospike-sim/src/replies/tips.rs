//! `tip` and `tip-clear`: whom to connect to, and whom no longer.

use crate::command::Command;
use crate::node::Node;
use crate::seeds::Cleared;
use crate::{Misbehaviour, Seed};

/// `tip:host=H;port=P`. Only says that the seed was noted; whether anybody is there shows later.
pub(super) fn tip(node: &Node, command: &Command<'_>) -> String {
    let Some(host) = command.param("host").filter(|host| !host.is_empty()) else {
        return "ERROR:4:missing 'host'".to_owned();
    };
    let port = match command.parsed::<u16>("port") {
        None => return "ERROR:4:missing 'port'".to_owned(),
        Some(Err(_)) => return "ERROR:4:'port' must be an integer".to_owned(),
        Some(Ok(port)) => port,
    };
    match node.misbehaviour() {
        Misbehaviour::RefuseTips => return "ERROR::tip refused".to_owned(),
        Misbehaviour::IgnoreTips => return "ok".to_owned(),
        _ => {}
    }
    let noted = node.state().seeds.add(Seed::new(host, port));
    node.wake.notify_one();
    if noted {
        "ok".to_owned()
    } else {
        // Recorded for a seed that it has; the reason is in the server's log alone.
        "ERROR::unknown".to_owned()
    }
}

/// `tip-clear:host-port-list=H:P,H:P`; without a list, or with `all`, every seed goes.
pub(super) fn tip_clear(node: &Node, command: &Command<'_>) -> String {
    let Cleared { cleared, not_found } = {
        let mut state = node.state();
        match command.param("host-port-list") {
            None | Some("all") => state.seeds.clear_all(),
            Some(list) => match state.seeds.clear_list(list) {
                nothing @ Cleared {
                    cleared: 0,
                    not_found: 0,
                } => return failed(nothing),
                done => done,
            },
        }
    };
    node.wake.notify_one();
    if not_found > 0 {
        failed(Cleared { cleared, not_found })
    } else {
        "ok".to_owned()
    }
}

fn failed(Cleared { cleared, not_found }: Cleared) -> String {
    format!("ERROR::{cleared} cleared, {not_found} not found")
}
