//! The witness against an API that lists what it is told to.

use fake_kubernetes::FakeApi;
use tokio::time::Instant;

use super::*;
use crate::kubernetes::tests::client;

/// Longer than any answer takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

fn source(api: &FakeApi, deadline: Duration, required: bool) -> KubernetesSource {
    let options = KubernetesOptions {
        deadline,
        required,
        watch_interval: LONG,
        ..KubernetesOptions::of("db")
    };
    KubernetesSource::new(client(api), options)
}

/// Three pods on three nodes.
async fn three() -> FakeApi {
    let api = FakeApi::start().await;
    api.world.statefulset("db", 3);
    for ordinal in 0..3 {
        let (name, node) = (format!("db-{ordinal}"), format!("n{ordinal}"));
        api.world.pod(&name, &format!("10.244.0.{ordinal}"), &node);
    }
    api.world.pod("other-0", "10.244.0.9", "n1");
    api
}

async fn look(source: &KubernetesSource) -> (Grade, Vec<String>) {
    let report = source.report().await;
    let seen = report.sightings.iter();
    let seen = seen.map(|s| format!("{} {}", s.member.as_ref().unwrap(), s.presence));
    (report.grade, seen.collect())
}

fn present(ordinals: &[u64]) -> (Grade, Vec<String>) {
    let present = ordinals
        .iter()
        .map(|ordinal| format!("db.{ordinal} present"));
    (Grade::Answer, present.collect())
}

/// Looks until it sees this: what a watch tells comes when it comes.
async fn until(source: &KubernetesSource, expected: (Grade, Vec<String>)) {
    let begun = Instant::now();
    loop {
        let seen = look(source).await;
        if seen == expected {
            return;
        }
        assert!(
            begun.elapsed() < LONG,
            "expected {expected:?}, saw {seen:?}"
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_life_is_told_by_one_list_and_one_watch() {
    let api = three().await;
    let source = source(&api, LONG, true);
    assert_eq!(look(&source).await, present(&[0, 1, 2]));
    api.world.statefulset("db", 4);
    api.world.pending("db-3");
    api.world.pod("db-3", "10.244.0.3", "n0");
    until(&source, present(&[0, 1, 2, 3])).await;
    api.world.statefulset("db", 3);
    api.world.delete("db-3");
    let leaving = vec![
        "db.0 present".into(),
        "db.1 present".into(),
        "db.2 present".into(),
        "db.3 leaving".into(),
    ];
    until(&source, (Grade::Answer, leaving)).await;
    api.world.gone("db-3");
    until(&source, present(&[0, 1, 2])).await;
    // The same pod at another address, as after its node was off.
    api.world.pod("db-1", "10.244.7.7", "n1");
    let moved = async || {
        let report = source.report().await;
        report
            .sightings
            .iter()
            .any(|s| s.address.to_string() == "10.244.7.7")
    };
    while !moved().await {
        tokio::task::yield_now().await;
    }
    assert_eq!(api.world.requests("limit=").len(), 1, "one list");
    assert_eq!(api.world.requests("watch=1").len(), 1, "one watch");
}

#[tokio::test]
async fn an_event_wakes_whoever_waits_for_a_change() {
    let api = three().await;
    let source = source(&api, LONG, true);
    look(&source).await;
    let (_, ()) = tokio::join!(source.changed(), async {
        api.world.delete("db-2");
    });
    let leaving = (
        Grade::Answer,
        vec![
            "db.0 present".into(),
            "db.1 present".into(),
            "db.2 leaving".into(),
        ],
    );
    assert_eq!(look(&source).await, leaving);
}

#[tokio::test]
async fn a_lost_node_has_its_pods_out_of_sight_until_they_are_deleted_by_force() {
    let api = three().await;
    let source = source(&api, LONG, true);
    look(&source).await;
    api.world.lose_node("n1");
    let lost = |which: &str| {
        let lost = format!("db.1 {which}");
        (
            Grade::Answer,
            vec!["db.0 present".into(), lost, "db.2 present".into()],
        )
    };
    until(&source, lost("out of sight, its node is down")).await;
    // After five minutes; the kubelet that should end it is not there.
    api.world.delete("db-1");
    let report = source.report().await;
    assert_eq!(report.coming.len(), 1, "its ordinal comes back");
    until(&source, lost("out of sight, its node is down")).await;
    api.world.gone("db-1");
    until(&source, present(&[0, 2])).await;
    assert_eq!(source.report().await.desired, Some(3));
}

#[tokio::test]
async fn a_watch_that_ends_goes_on_and_one_that_is_too_old_begins_with_a_list() {
    let api = three().await;
    let source = source(&api, LONG, true);
    look(&source).await;
    api.world.end_watches();
    api.world.gone("db-0");
    until(&source, present(&[1, 2])).await;
    let lists = || api.world.requests("limit=").len();
    assert_eq!(lists(), 1, "it went on from where it was");
    api.world.bookmark();
    look(&source).await;
    // While nobody looked, so much has happened that the API forgot some of it.
    api.world.gone("db-1");
    api.world.compact();
    until(&source, present(&[2])).await;
    assert_eq!(lists(), 2);
    // A watch that is begun too late.
    api.world.end_watches();
    api.world.pod("db-0", "10.244.0.5", "n1");
    api.world.compact();
    until(&source, present(&[0, 2])).await;
    assert_eq!(lists(), 3);
}

#[tokio::test]
async fn an_api_that_is_away_makes_nobody_absent() {
    let mut api = three().await;
    let source = source(&api, Duration::from_millis(400), true);
    while look(&source).await != present(&[0, 1, 2]) {}
    api.world.hang(true);
    assert_eq!(look(&source).await, (Grade::Timeout, vec![]));
    api.stop().await;
    let (grade, seen) = look(&source).await;
    assert!(
        matches!(&grade, Grade::Failed(why) if why.contains("refused")),
        "{grade}"
    );
    assert_eq!(seen, Vec::<String>::new());
    // What happens meanwhile is seen afterwards.
    api.world.hang(false);
    api.world.gone("db-2");
    api.start_again().await;
    until(&source, present(&[0, 1])).await;
}

#[tokio::test]
async fn a_token_that_expired_is_read_anew() {
    let api = three().await;
    let source = source(&api, LONG, true);
    look(&source).await;
    api.world.token("second");
    let (grade, _) = look(&source).await;
    let said = "the API of Kubernetes said no (401): Unauthorized";
    assert_eq!(grade, Grade::Failed(said.into()));
    api.renew_token("second");
    assert_eq!(look(&source).await, present(&[0, 1, 2]));
}

#[tokio::test]
async fn without_the_right_to_read_it_is_no_witness_unless_it_has_to_be() {
    let api = three().await;
    api.world.status(Some(403));
    let report = source(&api, LONG, false).report().await;
    assert_eq!(report.grade, Grade::Refused);
    assert!(!report.lists_everybody() && !report.is_task_list());
    let report = source(&api, LONG, true).report().await;
    let said = "the API of Kubernetes said no (403): no such luck";
    assert_eq!(report.grade, Grade::Failed(said.into()));
    assert!(report.lists_everybody());
}

#[tokio::test]
async fn a_statefulset_that_is_not_there_makes_nobody_absent() {
    let api = three().await;
    let source = source(&api, LONG, true);
    look(&source).await;
    api.world.without_statefulset("db");
    let (grade, seen) = look(&source).await;
    let said = "the API of Kubernetes said no (404): statefulsets.apps \"db\" not found";
    assert_eq!((grade, seen), (Grade::Failed(said.into()), vec![]));
}

#[tokio::test]
async fn a_thousand_pods_come_in_pages() {
    let api = FakeApi::start().await;
    api.world.statefulset("db", 1000);
    for ordinal in 0..1000_u64 {
        let address = format!("10.244.{}.{}", ordinal / 250, ordinal % 250);
        api.world.pod(&format!("db-{ordinal}"), &address, "n1");
    }
    let source = source(&api, LONG, true);
    let report = source.report().await;
    assert_eq!(
        (report.sightings.len(), report.grade),
        (1000, Grade::Answer)
    );
    assert_eq!(api.world.requests("limit=").len(), 20);
}

/// A right that somebody took back for a minute left a lost node's members to DNS alone.
#[tokio::test]
async fn a_right_that_was_lost_in_mid_life_made_it_no_witness() {
    let api = three().await;
    let source = source(&api, LONG, false);
    assert_eq!(look(&source).await, present(&[0, 1, 2]));
    api.world.status(Some(403));
    let report = source.report().await;
    let said = "the API of Kubernetes said no (403): no such luck";
    assert_eq!(report.grade, Grade::Failed(said.into()));
    assert!(report.lists_everybody(), "it is waited for");
    api.world.status(None);
    assert_eq!(look(&source).await, present(&[0, 1, 2]));
}

/// Its requests were answered, its watch was silent on a connection that lived: what the watch
/// had told was reported as what is now.
#[tokio::test]
async fn a_watch_that_told_nothing_more_was_believed() {
    let api = three().await;
    let source = source(&api, LONG, true);
    assert_eq!(look(&source).await, present(&[0, 1, 2]));
    api.world.mute_watches();
    api.world.gone("db-1");
    let begun = Instant::now();
    while look(&source).await != present(&[0, 2]) {
        assert!(
            begun.elapsed() < LONG,
            "what the watch told last is believed"
        );
        // Its controller counts the pods.
        api.world.statefulset("db", 3);
        tokio::task::yield_now().await;
    }
    assert_eq!(api.world.requests("limit=").len(), 2);
}

/// A page of fifty pods with long annotations was too long, for ever.
#[tokio::test]
async fn a_page_that_is_too_long_is_asked_for_in_parts() {
    let api = FakeApi::start().await;
    api.world.statefulset("db", 60);
    for ordinal in 0..60_u64 {
        let name = format!("db-{ordinal}");
        api.world.pod(&name, &format!("10.244.0.{ordinal}"), "n1");
        api.world.annotate(&name, 100 << 10);
    }
    let report = source(&api, LONG, true).report().await;
    assert_eq!((report.sightings.len(), report.grade), (60, Grade::Answer));
    let limits = api.world.requests("limit=");
    let limits: Vec<&str> = limits
        .iter()
        .filter_map(|asked| asked.split("limit=").nth(1)?.split('&').next())
        .collect();
    assert_eq!(limits, ["50", "25", "25", "25"]);
}

/// After the API was away every cluster of a worker lists anew: a page of one at a time, and
/// a list that did not end in its time is read on.
#[tokio::test]
async fn all_clusters_lists_were_read_at_once() {
    let api = three().await;
    api.world.hang_at("limit=");
    let lists = || api.world.requests("limit=").len();
    let client = client(&api);
    let of = |deadline| {
        let options = KubernetesOptions {
            deadline,
            ..KubernetesOptions::of("db")
        };
        KubernetesSource::new(Arc::clone(&client), options)
    };
    let first = tokio::spawn({
        let first = of(LONG);
        async move { first.report().await }
    });
    while lists() == 0 {
        tokio::task::yield_now().await;
    }
    let second = of(Duration::from_millis(200));
    assert_eq!(look(&second).await, (Grade::Timeout, vec![]));
    assert_eq!(lists(), 1, "the second waits for its turn");
    first.abort();
    let _ = first.await;
    api.world.hang_at("nowhere");
    while look(&second).await != present(&[0, 1, 2]) {}
}
