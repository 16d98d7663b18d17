//! Whom clients are led to, by the word of a worker: pure.

use std::net::SocketAddr;

use meshworker_core::Place;
use meshworker_engines::registry::Kind as Database;

use crate::status::{ClusterStatus, MemberStatus};

/// What a client comes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// To write: the primary alone takes that.
    Write,
    /// To read: whatever is not behind will do.
    Read,
}

/// Whom clients are led to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Route {
    /// To whom everything is written; none while nobody is it.
    primary: Option<SocketAddr>,
    /// The highest term that was heard: whoever is primary in a lower one is it no more.
    term: Option<u64>,
    /// The members that only copy, and are not behind.
    replicas: Vec<SocketAddr>,
    /// All members that answer.
    members: Vec<SocketAddr>,
}

impl Route {
    /// What follows from this status. Members are at this port, or at their database's.
    pub(super) fn of(status: &ClusterStatus, port: Option<u16>) -> Route {
        let database = Database::find(&status.engine).map(Database::descriptor);
        let usual = database.map_or(0, |it| it.service_port.unwrap_or(it.port));
        let at = |member: &MemberStatus| {
            let place: Place = member.address.parse().ok()?;
            Some(place.socket(port.unwrap_or(usual)))
        };
        let answers = status.members.iter().filter(|member| member.view.is_some());
        let fit = |member: &&MemberStatus| {
            let view = member.view.as_ref();
            member.state.is_in() && view.is_some_and(|view| !view.primary && view.working.is_none())
        };
        let primary = status.primary().ok();
        Route {
            primary: primary.and_then(at),
            term: primary.and_then(|member| member.view.as_ref()?.term),
            replicas: answers.clone().filter(fit).filter_map(at).collect(),
            members: answers.filter_map(at).collect(),
        }
    }

    /// Whether whoever says this knows less than what was heard before: another one is
    /// primary since.
    pub(super) fn is_older_than(&self, known: &Route) -> bool {
        self.primary.is_some() && self.term < known.term
    }

    /// The same, where no term was heard that of what was known before.
    pub(super) fn after(self, known: &Route) -> Route {
        Route {
            term: self.term.or(known.term),
            ..self
        }
    }

    /// Whom everything is written to.
    pub(super) fn primary(&self) -> Option<SocketAddr> {
        self.primary
    }

    /// Whom to lead a client to that comes for this; nobody while it is to be held. Where
    /// no replica will do, reads are the primary's as well.
    pub(super) fn to(&self, kind: Kind) -> Vec<SocketAddr> {
        match kind {
            Kind::Read if !self.replicas.is_empty() => self.replicas.clone(),
            _ => self.primary.into_iter().collect(),
        }
    }

    /// Whether a client that came for this and was led there is cut: another one is primary,
    /// or who it reads from is no member any more. While nobody knows, nobody is cut.
    pub(super) fn cuts(&self, kind: Kind, led: SocketAddr) -> bool {
        match kind {
            Kind::Write => self.primary.is_some_and(|primary| primary != led),
            Kind::Read => self.primary.is_some() && !self.members.contains(&led),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// A cluster whose members at 10.0.0.N are these: whether it is primary, in which term,
    /// what it works on.
    pub(in crate::proxy) fn status(members: &[(u8, bool, u64, Option<&str>)]) -> ClusterStatus {
        let member = |(last, primary, term, working): &(u8, bool, u64, Option<&str>)| {
            let address = format!("10.0.0.{last}");
            json!({
                "id": format!("db.{last}"), "address": address, "node": null, "task": null,
                "state": "joined", "standing": "wanted", "held": null, "sightings": [],
                "view": {
                    "node": address, "cluster_name": null, "primary": primary, "term": term,
                    "size": 3, "peers": [], "working": working,
                },
                "unanswered": null,
            })
        };
        let members: Vec<_> = members.iter().map(member).collect();
        serde_json::from_value(json!({
            "name": "db", "engine": "redis", "one": true, "unity": "one", "settled": true,
            "mode": {"dry_run": false, "removals": true, "held": null},
            "pass": {
                "number": 1, "time": "2026-01-01T00:00:00Z", "took_seconds": 0.0, "views": 1,
                "steps": 0, "pace": "calm",
            },
            "witnesses": [], "members": members, "departed": [],
            "plan": {"steps": [], "refusals": [], "departures": []}, "leavers": [],
        }))
        .unwrap()
    }

    fn at(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], 7))
    }

    fn route(members: &[(u8, bool, u64, Option<&str>)]) -> Route {
        Route::of(&status(members), Some(7))
    }

    #[test]
    fn writes_go_to_the_primary_and_reads_to_who_is_not_behind() {
        let told = route(&[
            (1, true, 4, None),
            (2, false, 4, None),
            (3, false, 4, Some("behind")),
        ]);
        assert_eq!(told.to(Kind::Write), [at(1)]);
        assert_eq!(told.to(Kind::Read), [at(2)]);
        let alone = route(&[(1, true, 4, None), (3, false, 4, Some("behind"))]);
        assert_eq!(alone.to(Kind::Read), [at(1)]);
        let nobody = route(&[(2, false, 4, None)]);
        assert_eq!(nobody.to(Kind::Write), []);
        assert_eq!(nobody.to(Kind::Read), [at(2)]);
    }

    #[test]
    fn of_two_primaries_the_one_of_the_higher_term_is_it() {
        let two = route(&[(1, true, 4, None), (2, true, 5, None)]);
        assert_eq!(two.to(Kind::Write), [at(2)]);
        let same = route(&[(1, true, 5, None), (2, true, 5, None)]);
        assert_eq!(same.to(Kind::Write), []);
    }

    #[test]
    fn a_worker_that_looked_before_the_change_sent_clients_back() {
        let new = route(&[(1, false, 4, None), (2, true, 5, None)]);
        let old = route(&[(1, true, 4, None), (2, false, 4, None)]);
        assert!(old.is_older_than(&new) && !new.is_older_than(&old));
        let nobody = route(&[(1, false, 4, None)]);
        assert!(!nobody.is_older_than(&new));
        assert!(old.is_older_than(&nobody.after(&new)));
    }

    #[test]
    fn a_connection_is_cut_once_another_one_is_primary_and_not_before() {
        let nobody = route(&[(2, false, 4, None)]);
        let other = route(&[(2, true, 5, None)]);
        assert!(!nobody.cuts(Kind::Write, at(1)) && !nobody.cuts(Kind::Read, at(1)));
        assert!(other.cuts(Kind::Write, at(1)) && !other.cuts(Kind::Write, at(2)));
        assert!(other.cuts(Kind::Read, at(1)) && !other.cuts(Kind::Read, at(2)));
    }
}
