//! Whether a worker without a group may begin one.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use meshworker_core::Moment;

use crate::book::Heard;
use crate::{Book, GroupId, Seat};

/// So long whoever is not the first waits for somebody before it.
const NOBODY_BEFORE: Duration = Duration::from_secs(15);

/// So long the first waits where the workers' name leads nowhere.
const NO_LISTING: Duration = Duration::from_secs(15);

/// So long somebody who is listed and silent holds a founding up, or who is meant to be and is not
/// seen. Swarm takes the address
/// of a task that is gone back within 30 s, that of a node that is gone too.
const SILENT: Duration = Duration::from_secs(60);

/// Where some are out of sight that there are meant to be, whoever counts for a founding has
/// looked around for so long: it may be about to see a group that others do not see.
const LOOKED: Duration = Duration::from_secs(5);

/// Where the workers' name leads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// All addresses but this worker's own.
    pub others: BTreeSet<IpAddr>,
    /// Whether that is all, as far as a name server can know: this worker's own is in it.
    pub whole: bool,
    /// How many workers there are meant to be, where somebody can know it.
    pub wanted: Option<usize>,
    /// Whether somebody could know it, and is not reached.
    pub blind: bool,
}

/// A worker that looks for a group.
#[derive(Debug, Clone, Copy)]
pub struct Seeker<'a> {
    /// Where it runs.
    pub seat: &'a Seat,
    /// Whether its slot is the service's first one: it founds at once.
    pub first: bool,
    /// The group that it had, whose workers have all ended.
    pub ended: Option<GroupId>,
    /// Up to which entry it knows what that one had.
    pub knows: u64,
    /// When it began to look.
    pub woke: Moment,
}

/// What a worker without a group does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Founding {
    /// It begins one.
    Found,
    /// There is one: it waits until that one's leader lets it in.
    Join(GroupId),
    /// It waits, for this.
    Wait(String),
}

/// What a worker does that has no group, or none any more. Only one founds: the first
/// slot at once, another one only when nobody before it has shown for a while; and nobody
/// as long as somebody is in sight who is in a group, or who does not say, or for a minute
/// while most of those are out of sight that there are meant to be. Where any are, nobody counts
/// who has just begun to look.
pub fn founding(seeker: &Seeker<'_>, listing: &Listing, book: &Book, now: Moment) -> Founding {
    if let Some(group) = book
        .another_group(seeker.ended, now)
        .and_then(|hello| hello.group)
    {
        return Founding::Join(group);
    }
    let awake = now.since(seeker.woke);
    let there = 1 + book.fresh(now).count();
    match listing.wanted {
        // Nobody else is meant to be: whoever is listed is one of before.
        Some(1) if there == 1 => return Founding::Found,
        Some(wanted) if 2 * there <= wanted && awake < SILENT => {
            return Founding::Wait(format!("of {wanted} workers {there} can be seen"));
        }
        Some(wanted) if there < wanted && awake < SILENT => {
            let looked = |heard: &Heard| Duration::from_millis(heard.hello.awake) >= LOOKED;
            if awake < LOOKED || !book.fresh(now).all(looked) {
                return Founding::Wait(format!(
                    "of {wanted} workers {there} can be seen, and have just begun to look"
                ));
            }
        }
        _ => {}
    }
    let mut silent = listing.others.iter();
    let silent = silent.find(|address| book.at(**address, now).is_none());
    if let Some(address) = silent.filter(|_| awake < SILENT) {
        return Founding::Wait(format!("{address} is listed, and does not answer"));
    }
    if !listing.whole && awake < NO_LISTING {
        return Founding::Wait("the workers' name does not lead to this one yet".into());
    }
    // Of those that come back after all have ended, whoever knows most of what was founds.
    let rank = |knows: u64, slot: u64| (std::cmp::Reverse(knows), slot);
    let own = rank(seeker.knows, seeker.seat.slot);
    let mut before = book.fresh(now);
    if let Some(other) = before.find(|heard| rank(heard.hello.knows, heard.hello.seat.slot) < own) {
        return Founding::Wait(format!("{} is to begin", other.hello.seat));
    }
    if !seeker.first && awake < NOBODY_BEFORE {
        return Founding::Wait("somebody with a lower slot may come".into());
    }
    Founding::Found
}
