//! The scenarios of members that ask to go before they stop.
use std::time::Duration;

use meshworker_core::{Gate, Place, Release, StepKind};
use tokio::time::sleep;

use crate::{Driver, World};

/// A cluster with this many members more than the least, with records.
async fn formed<W: World>(world: &mut W, more: usize) -> (Driver<W::Engine>, Vec<Place>) {
    let nodes = world.start(world.size() + more).await;
    let mut driver = world.driver(world.engine());
    driver.until_one(&nodes, world.patience()).await;
    world.fill(nodes[0]).await;
    (driver, nodes)
}

/// Stops whoever may go, once they may; returns who that was.
async fn some_go<W: World>(
    world: &mut W,
    driver: &mut Driver<W::Engine>,
    rest: &[Place],
) -> Vec<Place> {
    let gone = driver.until_granted(rest, world.patience()).await;
    for node in &gone {
        world.stop(*node).await;
        driver.leaving.remove(node);
    }
    gone
}

/// A member that asks is let go, and the others stay one cluster with all its
/// records.
pub async fn lets_a_member_go_that_asks<W: World>(mut world: W) {
    let (mut driver, nodes) = formed(&mut world, 1).await;
    let (last, rest) = nodes.split_last().unwrap();
    driver.leaving.insert(*last);
    // Not at once: what was seen must have held for a while.
    let plan = driver.plan(rest).await;
    assert!(!plan.leavers[0].release.is_granted(), "{:?}", plan.leavers);
    let gone = some_go(&mut world, &mut driver, rest).await;
    assert_eq!(gone, [*last], "{}", driver.story());
    let settled = |plan: &meshworker_core::Plan<_>| plan.settled;
    driver
        .until(
            "those that stay are at rest",
            rest,
            world.patience(),
            settled,
        )
        .await;
    assert_eq!(world.lost(rest[0]).await, 0, "{}", driver.story());
}

/// However many ask at once, they go, each in its turn, and nothing is lost.
pub async fn lets_members_go_that_ask_at_once<W: World>(mut world: W) {
    let (mut driver, nodes) = formed(&mut world, 2).await;
    let (rest, going) = nodes.split_at(world.size());
    driver.leaving.extend(going);
    let mut left = going.to_vec();
    while !left.is_empty() {
        let gone = some_go(&mut world, &mut driver, rest).await;
        assert!(gone.iter().all(|node| left.contains(node)), "{gone:?}");
        left.retain(|node| !gone.contains(node));
    }
    let settled = |plan: &meshworker_core::Plan<_>| plan.settled;
    driver
        .until(
            "those that stay are at rest",
            rest,
            world.patience(),
            settled,
        )
        .await;
    assert_eq!(world.lost(rest[0]).await, 0, "{}", driver.story());
}

/// Where too few would stay nobody goes, and it is said why.
pub async fn lets_nobody_go_below_the_floor<W: World>(mut world: W) {
    let (mut driver, nodes) = formed(&mut world, 0).await;
    let (stays, going) = nodes.split_first().unwrap();
    driver.leaving.extend(going);
    let end = driver.elapsed() + 4 * driver.limits.leave_hold;
    let mut held = 0;
    while driver.elapsed() < end || held == 0 {
        let plan = driver.pass(&[*stays]).await;
        for leaver in &plan.leavers {
            // Right after a change something else may be in the way, too.
            match &leaver.release {
                Release::Granted => panic!("{leaver:?}\n{}", driver.story()),
                Release::Held { gate, .. } => held += usize::from(*gate == Gate::Floor),
            }
        }
        let patience = end + world.patience();
        assert!(driver.elapsed() < patience, "{:?}", plan.leavers);
        sleep(Duration::from_millis(100)).await;
    }
}

/// When nobody is to stay, nobody waits.
pub async fn lets_all_go_together_when_everybody_goes<W: World>(mut world: W) {
    let (mut driver, nodes) = formed(&mut world, 0).await;
    driver.leaving.extend(&nodes);
    let all = |plan: &meshworker_core::Plan<_>| {
        let mut leavers = plan.leavers.iter();
        plan.leavers.len() == nodes.len() && leavers.all(|leaver| leaver.release.is_granted())
    };
    driver.until("all may go", &[], world.patience(), all).await;
    assert_eq!(driver.count(StepKind::Leave), 0, "{}", driver.story());
}
