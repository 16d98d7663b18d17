//! What the source itself says of the slots that are to move, at this moment.
//!
//! A look is a while ago when its steps are made, and two workers may have seen
//! different members: both would then mark one slot, for two targets, and Redis
//! takes the later mark without a word. Both targets would get some of the keys,
//! and whoever owns the slot in the end deletes the other's. So nobody marks a
//! slot over another's mark.

use meshworker_core::Unanswered;
use redis::{Pipeline, Value};
use tokio::time::Instant;

use super::{add_slots, set_slots};
use crate::redis::client::Lease;
use crate::redis::nodes::Nodes;
use crate::redis::wire::{refusal, text};

/// Marks each slot unless it is marked for another node, in one piece: Redis
/// runs a script as one command. `ARGV[1]` is the target, the others are slots.
/// For each slot it says why it is not marked, or nothing.
const MARK: &str = "\
local own = ''
for line in string.gmatch(redis.call('CLUSTER', 'NODES'), '[^\\n]+') do
  if string.find(line, ' myself,', 1, true) then own = line end
end
local said = {}
for i = 2, #ARGV do
  local _, at = string.find(own, '[' .. ARGV[i] .. '->-', 1, true)
  local other = at and string.sub(own, at + 1, at + 40)
  if other and other ~= ARGV[1] then
    said[#said + 1] = 'it is on its way to ' .. other
  else
    said[#said + 1] = redis.pcall('CLUSTER', 'SETSLOT', ARGV[i], 'MIGRATING', ARGV[1]).err or ''
  end
end
return said";

/// One slot, as its source sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// The source owns it and it is not on the move.
    Free,
    /// The source owns it, and it is on its way to our target.
    Ours,
    /// The source owns it, and it is on its way to this node.
    Others(String),
    /// Our target owns it.
    Arrived,
    /// This other node owns it, or nobody does.
    Gone(Option<String>),
}

impl Mark {
    /// Why the slot must not be touched; none while it is ours or nobody's.
    pub fn objection(&self) -> Option<String> {
        match self {
            Mark::Free | Mark::Ours | Mark::Arrived => None,
            Mark::Others(other) => Some(format!("it is on its way to {other}")),
            Mark::Gone(Some(owner)) => Some(format!("{owner} owns it")),
            Mark::Gone(None) => Some("nobody owns it".into()),
        }
    }
}

/// The table of the source, read a moment ago.
pub struct Marks<'a> {
    nodes: Nodes,
    target: &'a str,
}

impl<'a> Marks<'a> {
    /// From what the source replied to `CLUSTER NODES`.
    ///
    /// # Errors
    ///
    /// It is not such a table, or the source refused.
    pub fn parse(reply: Option<&Value>, target: &'a str) -> Result<Marks<'a>, Unanswered> {
        let reply = reply.ok_or_else(|| Unanswered::Garbage("no reply".into()))?;
        if let Some(why) = refusal(reply) {
            return Err(Unanswered::Denied(why));
        }
        let table = text(reply).unwrap_or_default();
        let nodes = Nodes::parse(&table).map_err(|e| Unanswered::Garbage(e.to_string()))?;
        Ok(Marks { nodes, target })
    }

    /// What it says of this slot.
    pub fn of(&self, slot: u16) -> Mark {
        let mut table = self.nodes.table.iter().enumerate();
        match table.find(|(_, entry)| entry.slots.contains(slot)) {
            Some((at, _)) if at == self.nodes.myself => {
                let mut open = self.nodes.open.iter();
                match open.find(|open| open.leaves && open.slot == slot) {
                    None => Mark::Free,
                    Some(open) if open.other == self.target => Mark::Ours,
                    Some(open) => Mark::Others(open.other.clone()),
                }
            }
            Some((_, owner)) if owner.node == self.target => Mark::Arrived,
            Some((_, owner)) => Mark::Gone(Some(owner.node.clone())),
            None => Mark::Gone(None),
        }
    }

    /// Whether the source has no slot but these, while others are on their way to it.
    pub fn gives_all(&self, slots: &[u16]) -> bool {
        let own = self.nodes.table.get(self.nodes.myself);
        let own = own.map_or(0, |entry| entry.slots.count());
        own <= slots.len() && self.nodes.open.iter().any(|open| !open.leaves)
    }
}

/// Asks the source for its table.
pub fn question() -> Pipeline {
    let mut commands = redis::pipe();
    commands.cmd("CLUSTER").arg("NODES");
    commands
}

/// Marks these slots at the source as on their way to the target. For each slot
/// says why it is not marked, or nothing.
///
/// `scripts` tells whether the server can run the script: Valkey's `SETSLOT`
/// waits for replicas, which a script cannot. Without, or where the user must not
/// run scripts, another's mark is seen right after it was overwritten, and put back.
///
/// # Errors
///
/// The source gave no usable answer: some slots may be marked.
pub async fn mark(
    source: &mut Lease,
    target: &str,
    slots: &[u16],
    scripts: bool,
    deadline: Instant,
) -> Result<Vec<Option<String>>, Unanswered> {
    if scripts {
        let mut script = redis::pipe();
        script.cmd("EVAL").arg(MARK).arg(0).arg(target).arg(slots);
        let replies = source.exchange(&script, deadline).await?;
        if let Some(Value::Array(said)) = replies.first()
            && said.len() == slots.len()
        {
            let said = said.iter().map(|one| text(one).unwrap_or_default());
            return Ok(said.map(|why| (!why.is_empty()).then_some(why)).collect());
        }
    }
    let mut commands = question();
    add_slots(&mut commands, slots, "MIGRATING", Some(target));
    commands.cmd("CLUSTER").arg("NODES");
    let replies = source.exchange(&commands, deadline).await?;
    let before = Marks::parse(replies.first(), target)?;
    let after = Marks::parse(replies.last(), target)?;
    let mut said = Vec::new();
    for (position, slot) in slots.iter().enumerate() {
        let why = match before.of(*slot) {
            Mark::Others(other) => {
                let back = set_slots(&[*slot], "MIGRATING", Some(&other));
                source.exchange(&back, deadline).await?;
                Some(format!("it is on its way to {other}"))
            }
            _ => after.of(*slot).objection(),
        };
        said.push(why.or_else(|| replies.get(position + 1).and_then(refusal)));
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "a1fff70597e67ec31c8dc0695e42356b91e5719c";
    const B: &str = "1faf3d60ff2f67ffb810743480aca28c4bdd3be8";
    const C: &str = "c0ffee60ff2f67ffb810743480aca28c4bdd3be8";

    #[test]
    fn the_source_tells_whose_a_slot_is() {
        let table = format!(
            "{A} 10.0.1.3:6379@16379 myself,master - 0 0 3 connected 0-9 [3->-{B}] [4->-{C}] [20-<-{C}]\n\
             {B} 10.0.1.4:6379@16379 master - 0 0 1 connected 10\n\
             {C} 10.0.1.5:6379@16379 master - 0 0 2 connected 20\n"
        );
        let reply = Value::BulkString(table.into_bytes());
        let marks = Marks::parse(Some(&reply), B).unwrap();
        for (slot, mark) in [
            (0, Mark::Free),
            (3, Mark::Ours),
            (4, Mark::Others(C.into())),
            (10, Mark::Arrived),
            (20, Mark::Gone(Some(C.into()))),
            (30, Mark::Gone(None)),
        ] {
            assert_eq!(marks.of(slot), mark, "{slot}");
        }
    }

    /// One worker moved slots to a member from which another one took the last that it
    /// had: it became a replica, and lost the keys that had just come to it.
    #[test]
    fn a_member_lost_its_last_slot_while_others_were_on_their_way_to_it() {
        let gives_all = |open: &str| {
            let table = format!(
                "{A} 10.0.1.3:6379@16379 myself,master - 0 0 3 connected 0-1 [0->-{B}]{open}\n\
                 {B} 10.0.1.4:6379@16379 master - 0 0 1 connected 10\n\
                 {C} 10.0.1.5:6379@16379 master - 0 0 2 connected 20\n"
            );
            let reply = Value::BulkString(table.into_bytes());
            let marks = Marks::parse(Some(&reply), B).unwrap();
            [&[0][..], &[0, 1]].map(|slots| marks.gives_all(slots))
        };
        assert_eq!(gives_all(&format!(" [20-<-{C}]")), [false, true]);
        assert_eq!(gives_all(""), [false, false]);
    }
}
