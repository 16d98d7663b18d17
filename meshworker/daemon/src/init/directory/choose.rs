//! Which directory is this slot's. Pure.

use std::fmt;
use std::time::{Duration, SystemTime};

/// For this long another slot's directory must be free, before its owner counts
/// as one that does not come: after a power cut all members of a node start
/// within seconds of each other.
pub const OWNER_COMES: Duration = Duration::from_secs(30);

/// A slot's directory on this node's volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name: `slot-2`, or `slot-2-` and something.
    pub name: String,
    /// Who uses it now; none when nobody does.
    pub user: Option<String>,
    /// For how long nobody has used it, as far as was watched.
    pub free: Duration,
    /// When anything in it was changed last.
    pub changed: SystemTime,
}

/// What is known of other tasks of this slot, on other nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elsewhere {
    /// No worker has said anything yet.
    Unheard,
    /// Nobody else runs there; whether the members that do are one cluster at
    /// rest without this one.
    Nobody {
        /// They are.
        settled: bool,
    },
    /// Somebody does, and who.
    Runs(String),
}

impl Elsewhere {
    /// Nobody runs elsewhere, and nobody is missed.
    pub const SETTLED: Elsewhere = Elsewhere::Nobody { settled: true };
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// This directory is the slot's own, from now on under the slot's own name.
    Take(String),
    /// There is nothing of this slot, and nothing that it may take over.
    Begin,
    /// Not yet.
    Wait(Why),
}

/// Why the database is not started yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The slot's task before this one still runs on another node.
    Elsewhere(String),
    /// The slot's directory is in use.
    Used {
        /// Which.
        name: String,
        /// By whom.
        user: String,
    },
    /// Nobody has said yet whether this slot runs elsewhere.
    Unheard,
    /// The owner of this directory may still come.
    Owner(String),
}

/// Whether this directory holds this slot's data.
fn is_own(name: &str, slot: u64) -> bool {
    let own = format!("slot-{slot}");
    let rest = name.strip_prefix(&own);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// One slot has one directory. It is waited for as long as somebody uses it, and
/// no other one is taken while it exists. Where it does not, another slot's may
/// hold what the cluster misses, since Swarm moves slots between nodes: the
/// newest that nobody comes for is taken over, for good.
pub fn choose(found: &[Found], slot: u64, elsewhere: &Elsewhere) -> Choice {
    if let Elsewhere::Runs(who) = elsewhere {
        return Choice::Wait(Why::Elsewhere(who.clone()));
    }
    let (own, others): (Vec<&Found>, Vec<&Found>) =
        found.iter().partition(|found| is_own(&found.name, slot));
    let used = |found: &&Found| {
        let user = found.user.clone()?;
        let name = found.name.clone();
        Some(Choice::Wait(Why::Used { name, user }))
    };
    if let Some(wait) = own.iter().find_map(used) {
        return wait;
    }
    let Elsewhere::Nobody { settled } = elsewhere else {
        return Choice::Wait(Why::Unheard);
    };
    let newest = |found: Vec<&Found>| found.into_iter().max_by_key(|found| found.changed).cloned();
    if let Some(own) = newest(own) {
        return Choice::Take(own.name);
    }
    let free: Vec<&Found> = others.into_iter().filter(|f| f.user.is_none()).collect();
    if *settled || free.is_empty() {
        return Choice::Begin;
    }
    let (left, awaited): (Vec<&Found>, Vec<&Found>) = free
        .into_iter()
        .partition(|found| found.free >= OWNER_COMES);
    match (newest(left), awaited.first()) {
        (Some(left), _) => Choice::Take(left.name),
        (None, Some(awaited)) => Choice::Wait(Why::Owner(awaited.name.clone())),
        (None, None) => Choice::Begin,
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Elsewhere(who) => f.write_str(who),
            Why::Used { name, user } => write!(f, "{name} is still used by {user}"),
            Why::Unheard => f.write_str("no worker has said whether this slot runs elsewhere"),
            Why::Owner(name) => write!(
                f,
                "there is no directory of this slot here, and the owner of {name} may still come: it is taken over after {} s",
                OWNER_COMES.as_secs()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISSED: Elsewhere = Elsewhere::Nobody { settled: false };

    fn found(name: &str, changed: u64) -> Found {
        Found {
            name: name.to_owned(),
            user: None,
            free: Duration::ZERO,
            changed: SystemTime::UNIX_EPOCH + Duration::from_secs(changed),
        }
    }

    fn used(name: &str) -> Found {
        Found {
            user: Some("task-a".to_owned()),
            ..found(name, 9)
        }
    }

    fn left(name: &str, changed: u64) -> Found {
        Found {
            free: OWNER_COMES,
            ..found(name, changed)
        }
    }

    fn waits_for(name: &str) -> Choice {
        Choice::Wait(Why::Used {
            name: name.to_owned(),
            user: "task-a".to_owned(),
        })
    }

    fn take(name: &str) -> Choice {
        Choice::Take(name.to_owned())
    }

    #[test]
    fn a_successor_took_another_directory_while_its_own_was_in_use() {
        let others = [left("slot-3", 99), used("slot-2"), found("slot-2-old", 5)];
        assert_eq!(choose(&others, 2, &MISSED), waits_for("slot-2"));
        // An older one of its own is no way out either.
        let named = [found("slot-2", 1), used("slot-2-hostname")];
        assert_eq!(choose(&named, 2, &MISSED), waits_for("slot-2-hostname"));
        // Waiting needs no worker's word, taking does.
        let unheard = Elsewhere::Unheard;
        assert_eq!(choose(&others, 2, &unheard), waits_for("slot-2"));
        let free = [found("slot-2", 1)];
        assert_eq!(choose(&free, 2, &unheard), Choice::Wait(Why::Unheard));
        let runs = Elsewhere::Runs("task a runs on node b".to_owned());
        let waits = Choice::Wait(Why::Elsewhere("task a runs on node b".to_owned()));
        assert_eq!(choose(&free, 2, &runs), waits);
        assert_eq!(choose(&free, 2, &MISSED), take("slot-2"));
    }

    #[test]
    fn of_two_own_directories_the_one_used_last_has_the_data() {
        let both = [
            found("slot-2", 1),
            found("slot-2-hostname", 2),
            left("slot-3", 9),
        ];
        assert_eq!(choose(&both, 2, &MISSED), take("slot-2-hostname"));
        // Slot 21 is no part of slot 2.
        assert_eq!(choose(&[used("slot-21")], 2, &MISSED), Choice::Begin);
    }

    #[test]
    fn data_whose_owner_does_not_come_is_found_after_a_power_cut() {
        let early = [found("slot-3", 1), used("slot-4")];
        let waits = Choice::Wait(Why::Owner("slot-3".to_owned()));
        assert_eq!(choose(&early, 2, &MISSED), waits);
        let late = [
            left("slot-3", 1),
            left("slot-5", 2),
            used("slot-4"),
            found("slot-6", 9),
        ];
        assert_eq!(choose(&late, 2, &MISSED), take("slot-5"));
        // Where nothing is missed, what an earlier member left stays there.
        assert_eq!(choose(&late, 2, &Elsewhere::SETTLED), Choice::Begin);
        assert_eq!(choose(&[], 2, &MISSED), Choice::Begin);
    }
}
