//! Who is logged in to.

use std::sync::Mutex;

use futures_util::future::BoxFuture;
use meshworker_core::{
    Capabilities, Peer, Place, Planner, Proposal, Report, Request, Sighting, Situation, Step,
    StepKind, Unity, View, Witness,
};
use meshworker_engines::aerospike::Aerospike;
use meshworker_engines::{Access, Descriptor, Failure};
use serde::Serialize;

use super::*;
use crate::witness::Source;

/// A database whose nodes all list the same nodes; it notes how each is asked.
#[derive(Default)]
struct Listing {
    nodes: Vec<Place>,
    asked: Mutex<BTreeMap<Place, &'static str>>,
    /// How long these take for an answer.
    slow: Mutex<BTreeMap<Place, Duration>>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Nothing;

impl std::fmt::Display for Nothing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nothing")
    }
}

impl Request for Nothing {
    fn kind(&self) -> StepKind {
        StepKind::Arrange
    }

    fn introduces(&self) -> Option<Place> {
        None
    }
}

impl Planner for Listing {
    type Detail = ();
    type Request = Nothing;

    fn capabilities(&self) -> Capabilities {
        Capabilities { min_members: 1 }
    }

    fn propose(&self, _: &Situation<'_, ()>) -> Proposal<Nothing> {
        Proposal::nothing(Unity::One { size: 1 })
    }
}

impl Listing {
    fn note(&self, node: Place, how: &'static str) -> View<()> {
        self.asked.lock().unwrap().insert(node, how);
        let peers = self.nodes.iter().map(|node| Peer {
            node: node.to_string(),
            address: Some(*node),
            alive: true,
        });
        View {
            node: node.to_string(),
            cluster_name: None,
            role: None,
            size: self.nodes.len(),
            peers: peers.collect(),
            working: None,
            holdings: Default::default(),
            detail: (),
        }
    }
}

impl Engine for Listing {
    const DESCRIPTOR: Descriptor = Aerospike::DESCRIPTOR;

    fn new(_: Access) -> Listing {
        unreachable!("made by hand")
    }

    async fn observe(&self, node: Place) -> Answer<()> {
        let takes = self.slow.lock().unwrap().get(&node).copied();
        if let Some(takes) = takes {
            tokio::time::sleep(takes).await;
        }
        Ok(self.note(node, "logged in"))
    }

    async fn observe_unlisted(&self, node: Place) -> Answer<()> {
        Ok(self.note(node, "not logged in"))
    }

    async fn perform(&self, _: &Step<Nothing>) -> Result<String, Failure> {
        Ok(String::new())
    }
}

struct Says(Report);

impl Source for Says {
    fn witness(&self) -> Witness {
        self.0.witness
    }

    fn report(&self) -> BoxFuture<'_, Report> {
        std::future::ready(self.0.clone()).boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }
}

/// How each of six nodes is asked, which all list each other.
async fn asked(reports: Vec<Report>) -> String {
    let engine = Arc::new(Listing {
        nodes: (1..=6).map(at).collect(),
        ..Listing::default()
    });
    let mut observer = Observer::new(Arc::clone(&engine), Duration::from_secs(1));
    let sources: Vec<Arc<dyn Source>> = reports
        .into_iter()
        .map(|report| Arc::new(Says(report)) as Arc<dyn Source>)
        .collect();
    observer.observe(&mut Ears::of(sources), Haste::None).await;
    let asked = engine.asked.lock().unwrap();
    let told = asked.iter().map(|(node, how)| format!("{node} {how}"));
    told.collect::<Vec<_>>().join(", ")
}

/// A database that listed addresses without end had each asked, and the answers kept.
#[tokio::test]
async fn any_number_of_nodes_that_only_a_database_lists_was_asked() {
    let listed = (0..10_000_u32).map(|number| (0x0a01_0000 + number).to_be_bytes());
    let engine = Arc::new(Listing {
        nodes: listed.map(Place::from).collect(),
        ..Listing::default()
    });
    let mut observer = Observer::new(Arc::clone(&engine), Duration::from_secs(1));
    let dns = Says(Report::addresses(Witness::Dns, [at(1), at(2)]));
    let mut ears = Ears::of(vec![Arc::new(dns) as Arc<dyn Source>]);
    let seen = observer.observe(&mut ears, Haste::None).await;
    assert_eq!(seen.observed.answers.len(), 2 + MOST_UNKNOWN);
    assert!(seen.observed.answers.contains_key(&at(2)));
}

fn at(last: u8) -> Place {
    Place::from([10, 0, 0, last])
}

fn says(witness: Witness, members: &[(u8, Presence)]) -> Report {
    let sightings = members.iter().map(|(last, presence)| Sighting {
        presence: presence.clone(),
        ..Sighting::at(at(*last))
    });
    Report {
        sightings: sightings.collect(),
        ..Report::addresses(witness, [at(1)])
    }
}

/// Whoever said CLUSTER MEET to a member was shown the password.
#[tokio::test]
async fn whoever_only_the_database_lists_was_logged_in_to() {
    let dns = Report::addresses(Witness::Dns, [at(1), at(2)]);
    let announced = says(Witness::Announce, &[(3, Presence::Leaving)]);
    assert_eq!(
        asked(vec![dns, announced]).await,
        "10.0.0.1 logged in, 10.0.0.2 logged in, 10.0.0.3 logged in, \
         10.0.0.4 not logged in, 10.0.0.5 not logged in, 10.0.0.6 not logged in"
    );
}

#[tokio::test]
async fn a_spare_is_not_asked_though_the_lists_name_it() {
    let dns = Report::addresses(Witness::Dns, [at(1), at(2)]);
    let engine = Arc::new(Listing {
        nodes: vec![at(1)],
        slow: Default::default(),
        asked: Mutex::default(),
    });
    let mut observer = Observer::new(Arc::clone(&engine), Duration::from_secs(1));
    let announced = says(Witness::Announce, &[(2, Presence::Spare)]);
    let sources = [dns, announced].map(|report| Arc::new(Says(report)) as Arc<dyn Source>);
    let mut ears = Ears::of(sources.into());
    let seen = observer.observe(&mut ears, Haste::None).await;
    assert_eq!(seen.observed.answers.keys().collect::<Vec<_>>(), [&at(1)]);
}

#[tokio::test]
async fn a_stale_record_is_not_logged_in_to_and_a_member_out_of_sight_is() {
    let dns = Report::addresses(Witness::Dns, [at(1), at(2)]);
    let tasks = [(1, Presence::Present), (3, Presence::OutOfSight)];
    assert_eq!(
        asked(vec![dns, says(Witness::Docker, &tasks)]).await,
        "10.0.0.1 logged in, 10.0.0.2 not logged in, 10.0.0.3 logged in, \
         10.0.0.4 not logged in, 10.0.0.5 not logged in, 10.0.0.6 not logged in"
    );
}

/// A look at three members, two of which answer at once, and how long it takes.
async fn beside_a_slow_one(takes: Duration, looks: &[Haste]) -> Vec<(Duration, bool)> {
    let engine = Arc::new(Listing {
        nodes: (1..=3).map(at).collect(),
        slow: Mutex::new(BTreeMap::from([(at(3), takes)])),
        ..Listing::default()
    });
    let mut observer = Observer::new(engine, Duration::from_secs(1));
    let dns = Says(Report::addresses(Witness::Dns, (1..=3).map(at)));
    let mut ears = Ears::of(vec![Arc::new(dns) as Arc<dyn Source>]);
    let mut seen = Vec::new();
    for haste in looks {
        let began = Instant::now();
        let look = observer.observe(&mut ears, *haste).await;
        let heard = look.observed.answers[&at(3)].is_ok();
        seen.push((began.elapsed(), heard));
        assert!(look.observed.answers[&at(1)].is_ok());
    }
    seen
}

const PULSE: Duration = Aerospike::DESCRIPTOR.pulse;

#[tokio::test(start_paused = true)]
async fn a_silent_node_cost_every_other_one_its_whole_deadline() {
    let never = Duration::from_secs(3600);
    let seen = beside_a_slow_one(never, &[Haste::Quick; 4]).await;
    assert_eq!(seen, [(PULSE, false); 4]);
    // Whoever is to be forgotten is waited for, once.
    let seen = beside_a_slow_one(never, &[Haste::Patient; 3]).await;
    let deadline = Duration::from_secs(2);
    let tenth = deadline / 10;
    assert_eq!(seen, [(deadline, false), (tenth, false), (tenth, false)]);
}

/// One of two, and one that is out of this worker's sight alone, are no minority.
#[tokio::test(start_paused = true)]
async fn half_of_the_nodes_were_silent_and_each_look_took_their_whole_deadline() {
    let never = Duration::from_secs(3600);
    let engine = Arc::new(Listing {
        nodes: vec![at(1), at(3)],
        slow: Mutex::new(BTreeMap::from([(at(3), never)])),
        ..Listing::default()
    });
    let mut observer = Observer::new(engine, Duration::from_secs(1));
    let dns = Says(Report::addresses(Witness::Dns, [at(1), at(3)]));
    let mut ears = Ears::of(vec![Arc::new(dns) as Arc<dyn Source>]);
    let mut took = Vec::new();
    for _ in 0..3 {
        let began = Instant::now();
        observer.observe(&mut ears, Haste::Quick).await;
        took.push(began.elapsed().as_millis());
    }
    assert_eq!(took, [2000, 200, 200]);
}

/// What it said before counted for as long as an answer may take.
#[tokio::test(start_paused = true)]
async fn a_release_rested_on_the_word_of_a_node_that_answered_no_more() {
    let engine = Arc::new(Listing {
        nodes: (1..=3).map(at).collect(),
        ..Listing::default()
    });
    let mut observer = Observer::new(Arc::clone(&engine), Duration::from_secs(10));
    let dns = Says(Report::addresses(Witness::Dns, (1..=3).map(at)));
    let mut ears = Ears::of(vec![Arc::new(dns) as Arc<dyn Source>]);
    let look = observer.observe(&mut ears, Haste::Quick).await;
    assert!(look.observed.answers[&at(3)].is_ok());
    let never = Duration::from_secs(3600);
    engine.slow.lock().unwrap().insert(at(3), never);
    let hangs = Instant::now();
    while observer
        .observe(&mut ears, Haste::Quick)
        .await
        .observed
        .answers[&at(3)]
        .is_ok()
    {}
    assert!(
        hangs.elapsed() <= Duration::from_millis(1500),
        "{:?}",
        hangs.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_counts_in_the_next_look() {
    let late = PULSE * 3 / 2;
    let seen = beside_a_slow_one(late, &[Haste::Quick; 4]).await;
    let heard: Vec<bool> = seen.iter().map(|(_, heard)| *heard).collect();
    assert_eq!(heard, [false, true, true, true]);
    // Without haste it is waited for, and asked anew where the question is older.
    let seen = beside_a_slow_one(late, &[Haste::Quick, Haste::Patient]).await;
    assert_eq!(seen, [(PULSE, false), (2 * late - PULSE, true)]);
}
