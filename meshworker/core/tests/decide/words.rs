//! What is counted, shown, read and brought together.

use std::collections::BTreeSet;

use meshworker_core::{Figure, Grade, MemberId, Place, Report, Roster, Sighting, Witness, counted};

#[test]
fn one_thing_was_told_as_several() {
    let words = [0, 1, 2, 21].map(|count| counted(count, "requests"));
    assert_eq!(
        words,
        ["0 requests", "1 request", "2 requests", "21 requests"]
    );
}

#[test]
fn a_figure_is_as_short_as_it_can_be() {
    let mib = 1 << 20;
    for (figure, words) in [
        (Figure::count("slots", 5461), "5461 slots"),
        (Figure::count("slots", 1), "1 slot"),
        (Figure::bytes("memory", 900, None), "900B memory"),
        (Figure::bytes("memory", 3 * mib / 2, None), "1.5M memory"),
        (
            Figure::bytes("memory", 63 * mib + 5, Some(64 * mib)),
            "63/64M memory",
        ),
        (
            Figure::bytes("memory", 2 * mib, Some(1 << 30)),
            "2M/1G memory",
        ),
        (Figure::bytes("memory", u64::MAX, None), "16777215T memory"),
    ] {
        assert_eq!(figure.to_string(), words);
    }
}

#[test]
fn what_is_shown_is_what_is_read() {
    for text in ["10.0.0.1", "10.0.0.1:7001", "fd00::1", "[fd00::1]:7001"] {
        let place: Place = text.parse().unwrap();
        assert_eq!(place.to_string(), text);
        assert_eq!(place.port.is_some(), text.contains("7001"));
    }
    assert!("db:7001".parse::<Place>().is_err());
}

fn of(last: u8, desired: Option<usize>) -> Report {
    Report {
        desired,
        ..Report::addresses(Witness::Docker, [Place::from([10, 0, 0, last])])
    }
}

#[test]
fn several_services_are_as_well_known_as_the_one_of_which_least_is() {
    let together = |reports: Vec<Report>| Report::together(Witness::Docker, reports);
    let both = together(vec![of(1, Some(1)), of(2, Some(2))]);
    assert_eq!((&both.grade, both.desired), (&Grade::Answer, Some(3)));
    assert_eq!(both.sightings.len(), 2);
    // One that lists nobody says so of itself, and an error says nothing of anybody.
    let empty = Report::addresses(Witness::Docker, []);
    assert_eq!(
        together(vec![empty.clone(), of(1, None)]).grade,
        Grade::Answer
    );
    assert_eq!(together(vec![empty.clone(), empty]).grade, Grade::Empty);
    let dns = [Report::addresses(Witness::Dns, []), of(1, None)];
    let dns = Report::together(Witness::Dns, dns.to_vec());
    assert_eq!((dns.grade, dns.sightings.len()), (Grade::Empty, 1));
    let silent = Report::unknown(Witness::Docker, Grade::Timeout);
    let partly = together(vec![of(1, Some(1)), silent]);
    assert_eq!((&partly.grade, partly.desired), (&Grade::Timeout, None));
    assert_eq!(partly.sightings.len(), 1);
}

fn at(last: u8, slot: u64) -> Sighting {
    Sighting {
        member: Some(MemberId::Slot {
            service: "db_redis".into(),
            slot,
        }),
        ..Sighting::at([10, 0, 0, last].into())
    }
}

fn said_by(witness: Witness, sightings: Vec<Sighting>) -> Report {
    Report {
        sightings,
        ..Report::addresses(witness, [[10, 0, 0, 9].into()])
    }
}

#[test]
fn a_members_own_word_on_its_slot_outranked_the_swarms() {
    let docker = said_by(Witness::Docker, vec![at(1, 1), at(2, 2)]);
    // One claims the slot of another, one a slot of its own; and one that the
    // swarm does not list, the slot of somebody who is listed.
    let lies = vec![at(1, 2), at(2, 7), at(3, 1), at(4, 4)];
    let announced = said_by(Witness::Announce, lies);
    for reports in [
        [docker.clone(), announced.clone()],
        [announced.clone(), docker.clone()],
    ] {
        let roster = Roster::merge(&reports, &BTreeSet::new());
        let id = |last: u8| roster.at([10, 0, 0, last].into()).map(|m| m.id.to_string());
        let told = [1, 2, 3, 4].map(|last| id(last).unwrap_or_default());
        let expected = ["db_redis.1", "db_redis.2", "10.0.0.3", "db_redis.4"];
        assert_eq!(told, expected);
    }
    // Without the swarm's word the members' own is what there is.
    let roster = Roster::merge(&[announced], &BTreeSet::new());
    let own = roster.at([10, 0, 0, 2].into()).map(|m| m.id.to_string());
    assert_eq!(own.as_deref(), Some("db_redis.7"));
}
