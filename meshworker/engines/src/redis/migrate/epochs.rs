//! With which epochs masters claim their slots.
//!
//! Of two that claim a slot, everybody believes the one with the higher epoch. Whoever
//! gets a slot takes one that is higher than all that it has heard of. When its giver has
//! a later one of which it has not heard, the giver's next message takes the slot back,
//! and with it the keys that have just come; the giver then hears that it gave the slot
//! away, and nobody owns it. So a slot is handed over once its target has heard.
//! <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-slots-configuration-propagation>

use std::collections::BTreeMap;

/// The epochs of the masters that one node sees, itself included.
#[derive(Debug, Default)]
pub struct Epochs {
    own: Option<String>,
    all: BTreeMap<String, u64>,
}

impl Epochs {
    /// From what a node replied to `CLUSTER NODES`, which has been read as such before.
    pub fn parse(table: &str) -> Epochs {
        let mut epochs = Epochs::default();
        for line in table.lines() {
            let words: Vec<&str> = line.split_ascii_whitespace().take(8).collect();
            let [id, _, flags, _, _, _, epoch, link] = words.as_slice() else {
                continue;
            };
            let has = |flag| flags.split(',').any(|word| word == flag);
            if has("myself") {
                epochs.own = Some((*id).to_owned());
            }
            // Of those that are gone nothing more comes: they part no epochs any more. One that
            // is dialled in vain is called connected all the same.
            if let Ok(epoch) = epoch.parse()
                && has("master")
                && !["fail", "fail?", "noaddr"].into_iter().any(has)
                && *link == "connected"
            {
                epochs.all.insert((*id).to_owned(), epoch);
            }
        }
        epochs
    }

    fn of_itself(&self) -> Option<(&String, u64)> {
        let id = self.own.as_ref()?;
        Some((id, *self.all.get(id)?))
    }

    /// Whether this node, a target, has heard of the epoch that the source says it has.
    pub fn has_heard(&self, source: &Epochs) -> bool {
        source.of_itself().is_some_and(|(id, own)| {
            let heard = self.all.get(id);
            heard.is_some_and(|heard| *heard >= own)
        })
    }

    /// Whether no other master has the epoch of this node: one of the two soon takes a later.
    pub fn is_alone(&self) -> bool {
        self.of_itself().is_some_and(|(_, own)| {
            let same = self.all.values().filter(|epoch| **epoch == own);
            same.count() == 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "a1fff70597e67ec31c8dc0695e42356b91e5719c";
    const B: &str = "1faf3d60ff2f67ffb810743480aca28c4bdd3be8";
    const C: &str = "c0ffee60ff2f67ffb810743480aca28c4bdd3be8";

    /// The table of the first of them, with these epochs.
    fn seen(epochs: [(&str, u64); 3], gone: (&str, &str)) -> Epochs {
        let mut table = String::new();
        for (position, (id, epoch)) in epochs.iter().enumerate() {
            let myself = if position == 0 { "myself," } else { "" };
            let flag = if *id == gone.0 { gone.1 } else { "" };
            table +=
                &format!("{id} 10.0.1.3:6379@16379 {myself}master{flag} - 0 0 {epoch} connected\n");
        }
        Epochs::parse(&table)
    }

    const NOBODY: (&str, &str) = ("", "");

    /// The members had just been brought together and still parted equal epochs when one of
    /// them left: what it gave away went back to it for a moment, and then to nobody.
    #[test]
    fn a_slot_was_handed_over_with_an_epoch_below_its_givers() {
        let source = seen([(A, 4), (B, 1), (C, 2)], NOBODY);
        assert!(source.is_alone());
        assert!(seen([(B, 1), (A, 4), (C, 2)], NOBODY).has_heard(&source));
        assert!(!seen([(B, 1), (A, 3), (C, 2)], NOBODY).has_heard(&source));
        assert!(!Epochs::default().has_heard(&source));
        assert!(!seen([(A, 2), (B, 1), (C, 2)], NOBODY).is_alone());
    }

    /// It had died before the two had parted their epochs, and its address was still dialled.
    #[test]
    fn a_slot_waited_for_a_dead_master_to_take_another_epoch() {
        for flag in [",fail", ",fail?", ",noaddr"] {
            assert!(
                seen([(A, 2), (B, 1), (C, 2)], (C, flag)).is_alone(),
                "{flag}"
            );
        }
    }
}
