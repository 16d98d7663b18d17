//! Who held what, and what is lost.

use std::collections::{BTreeMap, BTreeSet};

use crate::stock::Stock;
use crate::{Acknowledged, Loss, MemberId, Moment, Place};

/// Who held what when all copies were there last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Kept {
    pub(crate) stocks: Vec<Stock>,
    pub(crate) holders: BTreeMap<String, Holder>,
    /// Since when the engine says that all copies are made, and by whom.
    pub(crate) whole: Option<(Moment, BTreeSet<String>)>,
    /// Processes that began with nothing where others had been, and since when that is known.
    pub(crate) blank: BTreeMap<String, Moment>,
    pub(crate) lost: Vec<Lost>,
    pub(crate) numbers: u64,
}

/// A node that holds copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) member: MemberId,
    pub(crate) address: Place,
    /// When its process started, where its copies end with it.
    pub(crate) born: Option<Moment>,
    /// Which process it was, where that counts.
    pub(crate) process: Option<String>,
    /// It was let go, or nobody asks for what it had.
    pub(crate) excused: bool,
    /// An operator knows that it is lost. With one more, more is lost than he knows.
    pub(crate) known: bool,
    /// Since when it, or what it had, is gone.
    pub(crate) gone: Option<Moment>,
    /// It has come back without what it had.
    pub(crate) emptied: bool,
}

/// A loss, and what would undo it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) number: u64,
    pub(crate) stock: Stock,
    pub(crate) holders: BTreeMap<String, Holder>,
    pub(crate) told: bool,
}

impl Kept {
    /// What an operator knows of is told no more. What is not told yet may still come
    /// back: of that he knows nothing.
    pub(crate) fn heed(&mut self, order: &Acknowledged) {
        let known = |lost: &Lost| lost.told && lost.number <= order.losses;
        for lost in self.lost.iter().filter(|lost| known(lost)) {
            for node in lost.holders.keys() {
                if let Some(holder) = self.holders.get_mut(node) {
                    holder.known = true;
                }
            }
        }
        self.lost.retain(|lost| !known(lost));
    }
}

impl Lost {
    pub(crate) fn told(&self) -> Loss {
        let gone = self.holders.iter();
        let gone = gone.filter(|(_, holder)| holder.gone.is_some());
        let gone: Vec<_> = gone
            .map(|(node, holder)| (holder.member.clone(), node.clone()))
            .collect();
        Loss {
            number: self.number,
            what: self.stock.part(self.stock.pieces_within(gone.len())),
            members: gone,
            told: self.told,
        }
    }
}
