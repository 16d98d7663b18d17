//! A service for each member, or for each part of the members, and one cluster.

use fake_dns::Behaviour;

use crate::support::{Shift, World};

#[tokio::test]
async fn a_service_of_its_own_for_each_member_and_only_one_of_them_was_looked_after() {
    let mut world = World::new().await;
    world.start(1..=4).await;
    let lists = |name: &str, numbers: &[u16]| {
        let addresses = world.addresses(numbers.iter().copied());
        world.dns.set(name, Behaviour::Answer(addresses));
    };
    lists("db-1", &[1]);
    lists("db-2", &[2]);
    lists("copies", &[3, 4]);
    let names = [("servicename", "db-1, db-2,copies"), ("name", "db")];
    let worker = Shift::start(world.cluster(&names));
    world.one_cluster(1..=4).await;
    // One service whose replica is being replaced says nothing against the others', and
    // nobody is forgotten for it.
    world.dns.set("db-2", Behaviour::NxDomain);
    worker.watch(20).await;
    world.one_cluster(1..=4).await;
    assert_eq!(world.removals(), 0);
    worker.end().await;
}
