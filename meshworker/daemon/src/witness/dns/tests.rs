//! The witness against a name server that misbehaves.

mod families;
mod waking;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use fake_dns::{Behaviour, FakeDns, Tcp};
use meshworker_core::{Grade, Presence, Witness};
use tokio::time::{Instant, timeout};

use super::*;

/// Longer than any answer takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// As long as an answer is waited for that never comes.
const SHORT: Duration = Duration::from_secs(5);

fn source(servers: &[&FakeDns], family: IpFamily, deadline: Duration) -> DnsSource {
    let options = DnsOptions {
        name_servers: Some(servers.iter().map(|server| server.address()).collect()),
        deadline,
        watch_interval: Duration::from_millis(20),
        family,
    };
    DnsSource::new("stack_db", options).unwrap()
}

/// What the witness reports of a server that behaves like this: the grade and
/// the addresses.
async fn reported(behaviour: Behaviour) -> (Grade, Vec<String>) {
    reported_within(LONG, behaviour).await
}

async fn reported_within(deadline: Duration, behaviour: Behaviour) -> (Grade, Vec<String>) {
    let server = FakeDns::start().await.unwrap();
    server.set("stack_db", behaviour);
    look(&source(&[&server], IpFamily::Both, deadline)).await
}

async fn look(source: &DnsSource) -> (Grade, Vec<String>) {
    let report = source.report().await;
    assert_eq!(report.witness, Witness::Dns);
    assert_eq!(report.desired, None);
    assert!(
        report
            .sightings
            .iter()
            .all(|s| s.presence == Presence::Present)
    );
    let addresses = report.sightings.iter().map(|s| s.address.to_string());
    (report.grade, addresses.collect())
}

fn many(count: u8) -> Vec<IpAddr> {
    (1..=count)
        .map(|i| Ipv4Addr::new(10, 0, 1, i).into())
        .collect()
}

fn strings(addresses: &[IpAddr]) -> Vec<String> {
    let mut sorted = addresses.to_vec();
    sorted.sort();
    sorted.iter().map(IpAddr::to_string).collect()
}

#[tokio::test]
async fn an_answer_lists_each_address_once_and_sorted() {
    let said = reported(Behaviour::answer(["10.0.1.3", "10.0.1.2", "10.0.1.3"])).await;
    assert_eq!(
        said,
        (Grade::Answer, vec!["10.0.1.2".into(), "10.0.1.3".into()])
    );
}

#[tokio::test]
async fn each_failure_has_its_own_grade() {
    let cases = [
        (Behaviour::Empty, Grade::Empty),
        (Behaviour::NxDomain, Grade::NxDomain),
        (Behaviour::ServFail, Grade::ServFail),
        (Behaviour::Refused, Grade::Refused),
    ];
    for (behaviour, grade) in cases {
        assert_eq!(reported(behaviour).await, (grade, vec![]));
    }
    let silence = reported_within(SHORT, Behaviour::Silent).await;
    assert_eq!(silence, (Grade::Timeout, vec![]));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_failure_in_words() {
    let (grade, addresses) = reported_within(SHORT, Behaviour::Garbage).await;
    assert!(matches!(grade, Grade::Failed(_)), "{grade:?}");
    assert_eq!(addresses, Vec::<String>::new());
}

#[tokio::test]
async fn a_hundred_addresses_arrive_over_udp_with_edns() {
    let server = FakeDns::start().await.unwrap();
    server.set("stack_db", Behaviour::Answer(many(100)));
    let source = source(&[&server], IpFamily::Both, LONG);
    assert_eq!(look(&source).await, (Grade::Answer, strings(&many(100))));
    let counts = server.counts();
    // A question that took its time was sent again.
    assert_eq!((counts.tcp, counts.with_edns), (0, counts.udp));
}

#[tokio::test]
async fn a_hundred_addresses_arrive_over_tcp_from_a_server_without_edns() {
    for formerr in [false, true] {
        let server = FakeDns::start().await.unwrap();
        let then = Box::new(Behaviour::Answer(many(100)));
        server.set("stack_db", Behaviour::WithoutEdns { formerr, then });
        let source = source(&[&server], IpFamily::V4, LONG);
        assert_eq!(look(&source).await, (Grade::Answer, strings(&many(100))));
        assert!(server.counts().tcp >= 1);
    }
}

/// Whoever a list names is asked at any rate, in each look.
#[tokio::test]
async fn more_addresses_than_a_cluster_can_have_were_all_members() {
    let addresses = |count: u16| -> Vec<IpAddr> {
        let each = (0..count).map(|number| {
            let [third, last] = number.to_be_bytes();
            Ipv4Addr::new(10, 1, third, last).into()
        });
        each.collect()
    };
    let server = FakeDns::start().await.unwrap();
    let source = source(&[&server], IpFamily::V4, LONG);
    let list = |count: u16| Behaviour::Truncated {
        addresses: addresses(count),
        shown: 4,
        tcp: Tcp::Works,
    };
    server.set("stack_db", list(2048));
    assert_eq!(look(&source).await.0, Grade::Answer);
    server.set("stack_db", list(4000));
    let (grade, listed) = look(&source).await;
    let why = "more than 2048 addresses are listed";
    assert_eq!(grade, Grade::Failed(why.into()));
    assert_eq!(listed, strings(&addresses(2048)));
}

#[tokio::test]
async fn a_cut_answer_is_fetched_over_tcp() {
    let said = reported(Behaviour::Truncated {
        addresses: many(30),
        shown: 4,
        tcp: Tcp::Works,
    });
    assert_eq!(said.await, (Grade::Answer, strings(&many(30))));
}

#[tokio::test]
async fn a_cut_answer_without_its_rest_is_truncated_and_keeps_what_it_showed() {
    for (tcp, deadline) in [
        (Tcp::Closes, LONG),
        (Tcp::Hangs, SHORT),
        (Tcp::CutsToo, LONG),
    ] {
        let cut = Behaviour::Truncated {
            addresses: many(30),
            shown: 4,
            tcp,
        };
        let said = reported_within(deadline, cut).await;
        assert_eq!(said, (Grade::Truncated, strings(&many(4))), "{tcp:?}");
    }
}

#[tokio::test]
async fn a_ttl_of_600_s_is_not_believed_and_neither_is_nxdomain() {
    let server = FakeDns::start().await.unwrap();
    let source = source(&[&server], IpFamily::Both, LONG);
    assert_eq!(look(&source).await, (Grade::NxDomain, vec![]));
    for last in ["10.0.1.2", "10.0.1.3"] {
        server.set("stack_db", Behaviour::answer([last]));
        assert_eq!(look(&source).await, (Grade::Answer, vec![last.into()]));
    }
    server.set("stack_db", Behaviour::NxDomain);
    assert_eq!(look(&source).await, (Grade::NxDomain, vec![]));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_holds_for_all_questions_together() {
    let silent = FakeDns::start().await.unwrap();
    silent.set("stack_db", Behaviour::Silent);
    let source = source(&[&silent, &silent, &silent], IpFamily::Both, LONG);
    let began = Instant::now();
    assert_eq!(look(&source).await, (Grade::Timeout, vec![]));
    // The timer's grain, and nothing for each server or family.
    let (took, most) = (began.elapsed(), LONG + Duration::from_millis(10));
    assert!(took >= LONG && took < most, "{took:?}");
}

#[tokio::test]
async fn the_next_server_is_asked_when_one_does_not_answer() {
    let answers = FakeDns::start().await.unwrap();
    answers.set("stack_db", Behaviour::answer(["10.0.1.2"]));
    for (behaviour, deadline) in [
        // Half of the time is for each.
        (Behaviour::Silent, Duration::from_secs(16)),
        (Behaviour::ServFail, LONG),
        (Behaviour::Refused, LONG),
    ] {
        let first = FakeDns::start().await.unwrap();
        first.set("stack_db", behaviour);
        let source = source(&[&first, &answers], IpFamily::Both, deadline);
        assert_eq!(
            look(&source).await,
            (Grade::Answer, vec!["10.0.1.2".into()])
        );
    }
}

#[tokio::test]
async fn a_slow_answer_within_the_deadline_is_an_answer() {
    let said = reported(Behaviour::answer(["10.0.1.2"]).after(Duration::from_millis(600))).await;
    assert_eq!(said, (Grade::Answer, vec!["10.0.1.2".into()]));
}

#[tokio::test]
async fn aliases_are_followed_and_strangers_records_ignored() {
    for alias in [
        Behaviour::Alias("other".into()),
        Behaviour::BareAlias("other".into()),
    ] {
        let server = FakeDns::start().await.unwrap();
        server.set("stack_db", alias);
        server.set("other", Behaviour::answer(["10.0.1.2"]));
        let source = source(&[&server], IpFamily::Both, LONG);
        assert_eq!(
            look(&source).await,
            (Grade::Answer, vec!["10.0.1.2".into()])
        );
    }
    let (grade, addresses) = reported(Behaviour::BareAlias("stack_db".into())).await;
    assert!(!grade.is_complete(), "an alias of itself: {grade:?}");
    assert_eq!(addresses, Vec::<String>::new());
    let foreign = reported(Behaviour::Foreign("other".into(), many(2))).await;
    assert_eq!(foreign, (Grade::Empty, vec![]));
}

/// Swarm says so while no replica is healthy; the host's domain has a wildcard.
#[tokio::test]
async fn a_stranger_in_the_hosts_domain_answered_to_a_service_without_healthy_replicas() {
    let server = FakeDns::start().await.unwrap();
    for stranger in ["stack_db.corp.test", "stack_db.test", "corp.test"] {
        server.set(stranger, Behaviour::answer(["10.9.9.9"]));
    }
    for (name, grade) in [
        ("stack_db", Grade::NxDomain),
        ("stack_db.", Grade::NxDomain),
        ("tasks.stack_db", Grade::NxDomain),
        // One that is meant to be there is written out.
        ("stack_db.corp.test", Grade::Answer),
    ] {
        let options = DnsOptions {
            name_servers: Some(vec![server.address()]),
            ..DnsOptions::default()
        };
        let (found, _) = look(&DnsSource::new(name, options).unwrap()).await;
        assert_eq!(found, grade, "{name}");
    }
}

#[tokio::test]
async fn an_alias_of_a_name_elsewhere_is_a_strangers() {
    for alias in [
        Behaviour::Alias("landing.corp.test".into()),
        Behaviour::BareAlias("landing.corp.test".into()),
    ] {
        let server = FakeDns::start().await.unwrap();
        server.set("stack_db", alias);
        server.set("landing.corp.test", Behaviour::answer(["10.9.9.9"]));
        let (grade, addresses) = look(&source(&[&server], IpFamily::Both, LONG)).await;
        let why = "stack_db. is an alias of landing.corp.test., which is elsewhere";
        assert_eq!(grade, Grade::Failed(why.into()));
        assert_eq!(addresses, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_partial_answer_cannot_be_told_from_a_whole_one() {
    let (grade, addresses) = reported(Behaviour::Partial {
        addresses: many(10),
        keep: 3,
    })
    .await;
    assert_eq!((grade, addresses.len()), (Grade::Answer, 3));
}

#[tokio::test]
async fn nobody_at_the_name_servers_port_is_no_answer() {
    let gone = FakeDns::start().await.unwrap().address();
    let options = DnsOptions {
        name_servers: Some(vec![gone]),
        deadline: Duration::from_millis(200),
        ..DnsOptions::default()
    };
    let (grade, addresses) = look(&DnsSource::new("db", options).unwrap()).await;
    assert!(!grade.is_complete(), "{grade:?}");
    assert_eq!(addresses, Vec::<String>::new());
}

#[tokio::test]
async fn without_a_name_server_the_report_says_so() {
    let options = DnsOptions {
        name_servers: Some(Vec::<SocketAddr>::new()),
        ..DnsOptions::default()
    };
    let (grade, _) = look(&DnsSource::new("db", options).unwrap()).await;
    assert_eq!(grade, Grade::Failed("no name server is known".into()));
}

#[test]
fn a_name_that_is_none_is_refused() {
    for name in ["", ".", "a..b", "two words ", &"x".repeat(64)] {
        let refused = DnsSource::new(name, DnsOptions::default());
        assert!(refused.is_err(), "{name:?}");
    }
}

/// `docker stack rm`, with a name server behind the engine's that knows every name.
#[tokio::test]
async fn a_name_that_was_gone_led_to_whoever_answers_to_every_name() {
    let server = FakeDns::start().await.unwrap();
    let own = || Behaviour::answer(["10.0.1.2", "10.0.1.3"]);
    let stranger = || Behaviour::answer(["192.0.2.7"]);
    server.set("meshworker.invalid", stranger());
    let source = source(&[&server], IpFamily::V4, LONG);
    let listed = |addresses: &[&str]| {
        let addresses = addresses.iter().map(ToString::to_string).collect();
        (Grade::Answer, addresses)
    };
    server.set("stack_db", stranger());
    assert_eq!(look(&source).await, (Grade::NxDomain, vec![]), "not yet");
    server.set("stack_db", own());
    assert_eq!(look(&source).await, listed(&["10.0.1.2", "10.0.1.3"]));
    server.set("stack_db", stranger());
    for _ in 0..2 {
        assert_eq!(look(&source).await, (Grade::NxDomain, vec![]), "no more");
    }
    // Others in their place, all at once, are members.
    server.set("stack_db", Behaviour::answer(["10.0.1.8"]));
    assert_eq!(look(&source).await, listed(&["10.0.1.8"]));
    // One that says nothing of nobody's name is believed, until it says something.
    server.set("meshworker.invalid", Behaviour::Silent);
    server.set("stack_db", stranger());
    assert_eq!(look(&source).await, listed(&["192.0.2.7"]));
    server.set("meshworker.invalid", stranger());
    assert_eq!(look(&source).await, (Grade::NxDomain, vec![]), "late");
}
