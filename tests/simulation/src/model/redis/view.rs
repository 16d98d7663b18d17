//! What a node says, in Redis' own words, which the engine reads.

use std::fmt::Write;

use meshworker_core::{Answer, Unanswered};
use meshworker_engines::redis::{Detail, Replies};

use super::node::{Id, name};
use super::{Redis, START, TIMEOUT};
use crate::address;
use crate::model::CLUSTER;

impl Redis {
    pub(super) fn view(&self, at: usize, now: u64) -> Answer<Detail> {
        let (process, node) = (&self.processes[at], &self.nodes[at]);
        if now < process.started + START {
            return Err(Unanswered::Unreachable("its port is closed".into()));
        }
        if now < node.loaded {
            return Err(Unanswered::Starting("LOADING".into()));
        }
        let nodes = self.nodes_text(at, now);
        let state = if node.ok { "ok" } else { "fail" };
        let mut info = format!("redis_version:7.4.2\r\nrun_id:{at}\r\n");
        if let Some(master) = node.master {
            let up = if node.synced { "up" } else { "down" };
            let syncing = u8::from(node.copied.is_some() && !node.synced);
            let host = node.known.get(&master).map(|known| address(known.address));
            // To a text nothing fails to be written.
            let _ = write!(
                info,
                "master_link_status:{up}\r\nmaster_sync_in_progress:{syncing}\r\n"
            );
            if let Some(host) = host {
                let _ = write!(info, "master_host:{host}\r\n");
            }
        }
        let replies = Replies {
            nodes: &nodes,
            cluster: &format!("cluster_state:{state}\r\n"),
            info: &info,
            keys: u64::from(node.keys.count_ones()),
        };
        self.shared.view(address(process.address), replies)
    }

    /// `CLUSTER NODES`.
    fn nodes_text(&self, at: usize, now: u64) -> String {
        let (process, node) = (&self.processes[at], &self.nodes[at]);
        let ranges = node.table.ranges();
        let slots = |id: Id| ranges.get(&id).map(String::as_str).unwrap_or_default();
        let role = |master: Option<Id>| match master {
            Some(master) => ("slave", name(master)),
            None => ("master", "-".to_owned()),
        };
        let mut text = String::new();
        let (kind, master) = role(node.master);
        let cluster = if process.ours { CLUSTER } else { "another" };
        // To a text nothing fails to be written.
        let _ = write!(
            text,
            "{} {}:6379@16379,{cluster}.{}.host{} myself,{kind} {master} 0 0 {} connected{}",
            name(node.id),
            address(process.address),
            process.slot,
            process.host,
            node.epoch,
            slots(node.id),
        );
        for (slot, other) in &node.migrating {
            let _ = write!(text, " [{slot}->-{}]", name(*other));
        }
        for (slot, other) in &node.importing {
            let _ = write!(text, " [{slot}-<-{}]", name(*other));
        }
        text.push('\n');
        for (id, known) in &node.known {
            let (kind, master) = role(known.master);
            let health = match known.fail {
                Some(_) => ",fail",
                None if now >= known.heard + TIMEOUT => ",fail?",
                None => "",
            };
            let link = match now < known.heard + 1_000 {
                true => "connected",
                false => "disconnected",
            };
            let _ = writeln!(
                text,
                "{} {}:6379@16379 {kind}{health} {master} 0 0 {} {link}{}",
                name(*id),
                address(known.address),
                known.epoch,
                slots(*id),
            );
        }
        for hand in node.hands.keys() {
            let _ = writeln!(
                text,
                "{:040x} {}:6379@16379 handshake - 0 0 0 disconnected",
                0xbeef_0000_u64 + u64::from(*hand),
                address(*hand),
            );
        }
        text
    }
}
