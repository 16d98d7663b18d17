//! Whatever the name server does, no live member is forgotten.
//!
//! A member that the others see alive is never even a candidate, so a name
//! server alone can do no harm to it. The dangerous moment is another one: a
//! member is cut off from the others, which then remember it as a former one,
//! and all that speaks for it is that it is listed. Most tests are about that
//! moment.

use std::sync::Arc;
use std::time::Duration;

use aerospike_sim::Misbehaviour;
use fake_dns::{Behaviour, FakeDns, Tcp};
use futures_util::future::join_all;
use meshworker::config::Cluster;
use meshworker::witness::Source;

use crate::support::{Shift, TaskList, World};

/// Enough passes, at a tenth of a second each, for the hold to be over and more.
const PASSES: u64 = 8;

/// Five nodes as one cluster, then the fifth cut off from the others.
async fn with_one_cut_off() -> World {
    let world = World::formed(1..=5).await;
    world.misbehave(5, Misbehaviour::Isolated);
    world.one_cluster(1..=4).await;
    world
}

/// Heals what was cut, and sees the five become one again.
async fn heals(world: &World) {
    world.misbehave(5, Misbehaviour::None);
    world.list(1..=5);
    world.one_cluster(1..=5).await;
}

/// Every way not to give a complete answer. Where there are addresses, they
/// are those of the first four.
fn failures(world: &World) -> Vec<(String, Behaviour)> {
    let truncated = |tcp| Behaviour::Truncated {
        addresses: world.addresses(1..=4),
        shown: 3,
        tcp,
    };
    let late = Behaviour::Answer(world.addresses(1..=4)).after(Duration::from_secs(1));
    let all = [
        ("empty", Behaviour::Empty),
        ("NXDOMAIN", Behaviour::NxDomain),
        ("SERVFAIL", Behaviour::ServFail),
        ("REFUSED", Behaviour::Refused),
        ("no answer", Behaviour::Silent),
        ("an answer after the deadline", late),
        ("garbage", Behaviour::Garbage),
        ("truncated, and TCP closes", truncated(Tcp::Closes)),
        ("truncated, and TCP hangs", truncated(Tcp::Hangs)),
        ("truncated, over TCP too", truncated(Tcp::CutsToo)),
    ];
    all.map(|(what, failure)| (what.to_owned(), failure))
        .to_vec()
}

/// A worker of this world that asks a name server of its own, which answers so.
async fn asking(world: &World, seed: u64, answer: Behaviour) -> (FakeDns, Cluster) {
    let anywhere = ([127, 0, 0, 1], 0).into();
    let server = FakeDns::start_at(anywhere, seed).await.unwrap();
    server.set(&world.service, answer);
    let address = server.address().to_string();
    // Nothing is in the way on loopback, and many look-ups are meant to fail.
    let settings = [("name-server", address.as_str()), ("dns-deadline", "0.15")];
    let cluster = world.cluster(&settings);
    (server, cluster)
}

/// Lets workers with these answers look after the world, side by side, and
/// wants none of them to have made any node forget another one.
async fn nobody_is_forgotten(
    world: &World,
    answers: impl IntoIterator<Item = (String, Behaviour)>,
    tasks: Option<&Arc<TaskList>>,
) {
    let mut workers = Vec::new();
    for (seed, (what, answer)) in (1..).zip(answers) {
        let (server, cluster) = asking(world, seed, answer).await;
        let others = tasks.map(|list| Arc::clone(list) as Arc<dyn Source>);
        let worker = Shift::start_beside(cluster, others.into_iter().collect());
        workers.push((what, server, worker));
    }
    join_all(workers.iter().map(|(_, _, worker)| worker.watch(PASSES))).await;
    for (what, _server, worker) in workers {
        assert_eq!(worker.removals(), [""; 0], "{what}");
        worker.end().await;
    }
    assert_eq!(world.removals(), 0);
}

/// The task list no longer has the member, and the name server fails: what
/// only one witness says is not enough. As soon as both say it, it is.
#[tokio::test]
async fn a_name_server_that_fails_confirms_nobodys_departure() {
    let world = with_one_cut_off().await;
    let tasks = Arc::new(TaskList::default());
    tasks.set(world.addresses(1..=4));
    nobody_is_forgotten(&world, failures(&world), Some(&tasks)).await;

    world.list(1..=4);
    let worker = Shift::start_beside(world.cluster(&[]), vec![tasks.clone()]);
    world.forgotten_by(1..=4).await;
    tasks.set(world.addresses(1..=5));
    heals(&world).await;
    worker.end().await;
}

/// Without a task list: the IPv4 half of the answer lacks the member, and the
/// IPv6 half fails.
#[tokio::test]
async fn half_an_answer_confirms_nobodys_departure() {
    let world = with_one_cut_off().await;
    let halves = |v6| Behaviour::PerFamily {
        v4: Box::new(Behaviour::Answer(world.addresses(1..=4))),
        v6: Box::new(v6),
    };
    let faulty = |(what, failure)| match failure {
        // Of one family only, these are complete: it has no addresses.
        Behaviour::Empty | Behaviour::NxDomain => None,
        // What is cut must have something to cut.
        Behaviour::Truncated { .. } => Some((what, failure)),
        _ => Some((what, halves(failure))),
    };
    nobody_is_forgotten(
        &world,
        failures(&world).into_iter().filter_map(faulty),
        None,
    )
    .await;

    world.dns.set(&world.service, halves(Behaviour::NxDomain));
    let worker = Shift::start(world.cluster(&[]));
    world.forgotten_by(1..=4).await;
    heals(&world).await;
    worker.end().await;
}

/// The name server says something else at every question, and every time
/// something is missing, now this and now that.
#[tokio::test]
async fn a_name_server_that_flaps_confirms_nobodys_departure() {
    let world = with_one_cut_off().await;
    let some = |keep| Behaviour::Partial {
        addresses: world.addresses(1..=4),
        keep,
    };
    let v4 = vec![
        some(4),
        some(2),
        some(1),
        Behaviour::Empty,
        Behaviour::NxDomain,
        Behaviour::ServFail,
    ];
    let v6 = vec![
        Behaviour::ServFail,
        Behaviour::Refused,
        Behaviour::Silent,
        Behaviour::Garbage,
    ];
    let half_blind = Behaviour::PerFamily {
        v4: Box::new(Behaviour::Flapping(v4)),
        v6: Box::new(Behaviour::Flapping(v6)),
    };
    // Each worker's name server draws from another seed.
    let seeds = (1..=6).map(|seed| (format!("seed {seed}"), half_blind.clone()));
    nobody_is_forgotten(&world, seeds, None).await;
    let worker = Shift::start(world.cluster(&[]));
    heals(&world).await;
    worker.end().await;
}

/// Five healthy members and every answer there is, wrong ones included: nobody
/// is told anything, and the cluster is the very same one afterwards. A member
/// that comes meanwhile is joined.
#[tokio::test]
async fn wrong_answers_disturb_no_healthy_cluster_and_hold_up_no_newcomer() {
    let mut world = World::new().await;
    // Nobody is to die of a busy machine here.
    world.timeout = 400;
    world.form(1..=5).await;
    let key = world.one_cluster(1..=5).await;
    let tips = world.asked("tip");
    let all = world.addresses(1..=5);
    let nobody = world.addresses([20, 21]);
    // Somebody takes connections at this one, and never says a word.
    let mute = world.address(22);
    let _mute = std::net::TcpListener::bind((mute, 3000)).unwrap();

    let listed = Behaviour::Answer(all.clone());
    let some = |keep| Behaviour::Partial {
        addresses: all.clone(),
        keep,
    };
    let wrong = [
        ("slow", listed.after(Duration::from_millis(60))),
        ("one is missing", some(4)),
        ("most are missing", some(1)),
        ("stale", Behaviour::stale(&all, &nobody)),
        ("somebody mute", Behaviour::stale(&all, &[mute])),
        (
            "strangers",
            Behaviour::Foreign("other".into(), nobody.clone()),
        ),
    ];
    let wrong = wrong.map(|(what, answer)| (what.to_owned(), answer));
    let flapping = |more: &[Behaviour]| {
        let mut answers: Vec<Behaviour> = wrong.iter().map(|(_, wrong)| wrong.clone()).collect();
        answers.extend([Behaviour::Empty, Behaviour::NxDomain, Behaviour::ServFail]);
        answers.extend_from_slice(more);
        Behaviour::Flapping(answers)
    };
    let in_turn = (1..=3).map(|seed| (format!("in turn, {seed}"), flapping(&[])));
    let answers = failures(&world)
        .into_iter()
        .chain(wrong.clone())
        .chain(in_turn);
    nobody_is_forgotten(&world, answers, None).await;
    assert_eq!(world.asked("tip"), tips);
    assert_eq!(world.one_cluster(1..=5).await, key);

    world.start([6]).await;
    let newcomer = Behaviour::Answer(world.addresses(1..=6));
    let (_server, cluster) = asking(&world, 7, flapping(&[newcomer])).await;
    let worker = Shift::start(cluster);
    world.one_cluster(1..=6).await;
    assert_eq!(world.removals(), 0);
    assert_eq!(worker.removals(), [""; 0]);
    worker.end().await;
}
