//! Whoever is to be forgotten is looked at twice in the same pass.

use std::net::IpAddr;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker::witness::Source;
use meshworker::worker::Worker;
use meshworker_core::{Place, Report, Witness};

use crate::support::World;
use crate::toy::Toy;

const MEMBERS: [Place; 3] = [
    Place::at(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1))),
    Place::at(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2))),
    Place::at(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 3))),
];

/// A name server that always lists three.
struct Three;

impl Source for Three {
    fn witness(&self) -> Witness {
        Witness::Dns
    }

    fn report(&self) -> BoxFuture<'_, Report> {
        std::future::ready(Report::addresses(Witness::Dns, MEMBERS)).boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }
}

/// A worker that forgets at once, and the database that it looks after, with
/// who is gone at each look.
pub async fn worker(gone: &[&[&'static str]]) -> (Toy, Worker<Toy>) {
    let world = World::new().await;
    let cluster = world.cluster(&[("removal-hold", "0"), ("removal-window", "0")]);
    let toy = Toy::default();
    toy.state().nodes = MEMBERS.into();
    toy.state().gone = gone.iter().map(|nodes| nodes.to_vec()).collect();
    let worker = Worker::new(cluster, toy.clone(), vec![std::sync::Arc::new(Three)]);
    (toy, worker)
}

#[tokio::test]
async fn who_is_gone_at_both_looks_is_forgotten_once() {
    let (toy, mut worker) = worker(&[&["a"], &["a"]]).await;
    let pass = worker.pass().await;
    assert_eq!(toy.state().forgotten, ["a"]);
    assert_eq!(pass.number, 1);
    assert_eq!(pass.done.len(), 1);
    assert_eq!(pass.requests.views, 6);
    assert!(toy.state().gone.is_empty());
    // A pass that forgets nobody looks once.
    assert_eq!(worker.pass().await.requests.views, 3);
}

#[tokio::test]
async fn who_is_back_at_the_second_look_is_not_forgotten() {
    let (toy, mut worker) = worker(&[&["a"], &[], &["a", "b"], &["b"]]).await;
    let pass = worker.pass().await;
    assert_eq!(pass.done, []);
    assert!(toy.state().forgotten.is_empty());
    worker.pass().await;
    assert_eq!(toy.state().forgotten, ["b"]);
}

/// What comes up at the second look waits for a pass of its own, and is not
/// taken for done meanwhile.
#[tokio::test]
async fn who_is_gone_only_at_the_second_look_is_looked_at_twice_later() {
    let both: &[&str] = &["a", "b"];
    let (toy, mut worker) = worker(&[&["a"], both, both, both]).await;
    assert_eq!(worker.pass().await.done, []);
    assert!(toy.state().forgotten.is_empty());
    worker.pass().await;
    assert_eq!(toy.state().forgotten, ["a", "b"]);
}
