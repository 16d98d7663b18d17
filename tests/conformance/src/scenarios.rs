//! The scenarios that every engine must pass.

use std::collections::BTreeSet;
use std::time::Duration;

use meshworker_core::{Place, Request, StepKind, Unity};
use meshworker_engines::{Done, Engine};
use tokio::time::sleep;

use crate::{Driver, Manner, Squatter, World};

/// The ids of all nodes that these nodes know and hold to be alive.
async fn known<E: Engine>(driver: &mut Driver<E>, at: &[Place]) -> BTreeSet<String> {
    let views = driver.look(at).await;
    let views = views.into_values().filter_map(Result::ok);
    views
        .flat_map(|view| {
            let alive: Vec<_> = view.alive().map(|peer| peer.node.clone()).collect();
            alive
        })
        .collect()
}

/// The ids of the nodes at these addresses.
async fn ids<E: Engine>(driver: &mut Driver<E>, at: &[Place]) -> BTreeSet<String> {
    let views = driver.look(at).await;
    views
        .into_values()
        .map(|answer| answer.unwrap_or_else(|why| panic!("{why}")).node)
        .collect()
}

async fn formed<W: World>(world: &mut W) -> (Driver<W::Engine>, Vec<Place>) {
    let nodes = world.start(world.size()).await;
    let mut driver = world.driver(world.engine()).asking_once();
    driver.until_one(&nodes, world.patience()).await;
    (driver, nodes)
}

/// Fresh nodes become one cluster, with a number of joins that is linear, and
/// each of them sees exactly all of them.
pub async fn forms_one_cluster_from_fresh_nodes<W: World>(mut world: W) {
    let (mut driver, nodes) = formed(&mut world).await;
    let joins = driver.count(StepKind::Join);
    assert!(joins <= nodes.len(), "{joins} joins\n{}", driver.story());
    let all = ids(&mut driver, &nodes).await;
    assert_eq!(all.len(), nodes.len());
    for node in &nodes {
        assert_eq!(known(&mut driver, &[*node]).await, all);
    }
}

/// A member that volunteers and is not started is neither waited for nor counted, nor
/// told to anybody. And either all nodes have a role, or none has.
pub async fn waits_for_no_spare<W: World>(mut world: W) {
    let (mut driver, mut nodes) = formed(&mut world).await;
    let views = driver.look(&nodes).await.into_values();
    let roles: BTreeSet<bool> = views
        .map(|view| view.is_ok_and(|view| view.role.is_some()))
        .collect();
    assert_eq!(roles.len(), 1);
    let size = nodes.len();
    let spare = world.spare_address();
    nodes.push(spare);
    driver.spares.insert(spare);
    let plan = driver.plan(&nodes).await;
    assert_eq!((plan.steps, plan.refusals), (vec![], vec![]));
    assert_eq!(plan.unity, Unity::One { size });
}

/// A formed cluster gets the empty plan, again and again, also from a worker
/// that has just started.
pub async fn leaves_a_formed_cluster_alone<W: World>(mut world: W) {
    let (_, nodes) = formed(&mut world).await;
    let mut driver = world.driver(world.engine());
    for _ in 0..10 {
        let plan = driver.plan(&nodes).await;
        assert_eq!(plan.steps, [], "{:?}", plan.steps);
        assert_eq!(plan.refusals, [], "{:?}", plan.refusals);
        assert!(plan.unity.is_one(), "{}", plan.unity);
        sleep(Duration::from_millis(100)).await;
    }
}

/// A node that comes later is joined by one request.
pub async fn joins_a_latecomer_by_one_request<W: World>(mut world: W) {
    let (mut driver, mut nodes) = formed(&mut world).await;
    let before = driver.count(StepKind::Join);
    nodes.extend(world.start(1).await);
    driver.until_one(&nodes, world.patience()).await;
    let joins = driver.count(StepKind::Join) - before;
    assert_eq!(joins, 1, "{}", driver.story());
}

/// A departed member is forgotten by everybody, after the hold; while the name
/// server lists it, never.
pub async fn forgets_a_departed_member_after_the_hold_and_not_before<W: World>(mut world: W) {
    let nodes = world.start(world.size() + 1).await;
    let mut driver = world.driver(world.engine());
    driver.until_one(&nodes, world.patience()).await;
    // The last to come holds nothing alone.
    let (gone, rest) = nodes.split_last().unwrap();
    let id = ids(&mut driver, &[*gone]).await.pop_first().unwrap();
    world.kill(*gone).await;

    // While it is listed it is missed, not forgotten.
    let missed = |plan: &meshworker_core::Plan<_>| !plan.unity.is_one();
    driver
        .until("it is missed", &nodes, world.patience(), missed)
        .await;
    let hold = driver.limits.removal_hold;
    let listed_until = driver.elapsed() + 2 * hold;
    while driver.elapsed() < listed_until {
        driver.pass(&nodes).await;
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(driver.count(StepKind::Forget), 0, "{}", driver.story());

    let unlisted = driver.elapsed();
    let rest = rest.to_vec();
    let mut clean = false;
    let begin = tokio::time::Instant::now();
    while !clean {
        assert!(
            begin.elapsed() < world.patience(),
            "{id} is not forgotten\n{}",
            driver.story()
        );
        driver.pass(&rest).await;
        let views = driver.look(&rest).await;
        clean = views
            .into_values()
            .all(|answer| answer.is_ok_and(|view| view.peers.iter().all(|peer| peer.node != id)));
        sleep(Duration::from_millis(100)).await;
    }
    let first = driver
        .done
        .iter()
        .find(|(_, done)| done.step.request.kind() == StepKind::Forget)
        .map(|(when, _)| *when);
    // An engine may have nothing to tell the survivors: some forget by themselves.
    if let Some(first) = first {
        assert!(first >= unlisted + hold, "{}", driver.story());
    }
    driver.until_one(&rest, world.patience()).await;
}

/// Addresses at which somebody else answers, or nobody, block nobody.
pub async fn is_blocked_by_nobody_who_misbehaves<W: World>(mut world: W) {
    let mut squatters = Vec::new();
    for manner in [
        Manner::Silent,
        Manner::Garbage,
        Manner::Web,
        Manner::Hangup,
        Manner::Half,
    ] {
        let address = world.spare_address();
        squatters.push(Squatter::at(address, world.service_port(), manner).await);
    }
    let nobody = world.spare_address();
    let nodes = world.start(world.size()).await;
    if !world.begins_among_strangers() {
        let (_, first) = nodes.split_last().unwrap();
        let mut driver = world.driver(world.engine());
        driver.until_one(first, world.patience()).await;
    }
    let mut listed: Vec<Place> = squatters.iter().map(|squatter| squatter.address).collect();
    listed.push(nobody);
    let strangers: BTreeSet<Place> = listed.iter().copied().collect();
    listed.extend(&nodes);

    let mut driver = world.driver(world.hasty_engine());
    let mut observer = world.driver(world.engine());
    let begin = tokio::time::Instant::now();
    while known(&mut driver, &nodes).await != ids(&mut observer, &nodes).await {
        assert!(
            begin.elapsed() < world.patience(),
            "not one cluster\n{}",
            driver.story()
        );
        let plan = driver.pass(&listed).await;
        assert!(!plan.unity.is_one());
    }
    driver.until_one(&nodes, world.patience()).await;
    for (_, Done { step, .. }) in &driver.done {
        let introduced = step.request.introduces();
        let told = [Some(step.to), introduced].into_iter().flatten();
        for address in told {
            assert!(!strangers.contains(&address), "{step}");
        }
    }
}

/// Another formed cluster at addresses that the name server lists stays what
/// it is.
pub async fn never_merges_a_foreign_cluster<W: World>(mut world: W) {
    let foreign = world.start_foreign().await;
    let (mut driver, nodes) = formed(&mut world).await;
    let ours = ids(&mut driver, &nodes).await;
    let theirs = ids(&mut driver, &foreign).await;
    let listed: Vec<Place> = nodes.iter().chain(&foreign).copied().collect();
    for mut driver in [driver, world.driver(world.engine())] {
        let before = driver.count(StepKind::Join);
        for _ in 0..20 {
            let plan = driver.pass(&listed).await;
            assert!(!plan.unity.is_one());
            assert!(!plan.refusals.is_empty());
            sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(driver.count(StepKind::Join), before, "{}", driver.story());
        assert_eq!(known(&mut driver, &nodes).await, ours);
        assert_eq!(known(&mut driver, &foreign).await, theirs);
    }
}

/// The worker is killed after each step it makes, and starts anew: the cluster
/// is formed all the same.
pub async fn comes_to_the_same_result_when_the_worker_restarts_at_each_step<W: World>(
    mut world: W,
) {
    let nodes = world.start(world.size()).await;
    let begin = tokio::time::Instant::now();
    let mut story = String::new();
    loop {
        let mut driver = world.driver(world.engine());
        let mut plan = driver.plan(&nodes).await;
        // It may have to listen for a while before it makes any.
        while plan.steps.is_empty() && !plan.unity.is_one() && begin.elapsed() < world.patience() {
            sleep(Duration::from_millis(50)).await;
            plan = driver.plan(&nodes).await;
        }
        // Another one of the steps each time, and none of the others.
        let mut steps = plan.steps.clone();
        steps.rotate_left(story.len() % plan.steps.len().max(1));
        steps.truncate(1);
        driver.act(&steps).await;
        story.push_str(&driver.story());
        if plan.unity.is_one() {
            break;
        }
        assert!(
            begin.elapsed() < world.patience(),
            "{}\n{story}",
            plan.unity
        );
        sleep(Duration::from_millis(50)).await;
    }
    let mut driver = world.driver(world.engine());
    let all = ids(&mut driver, &nodes).await;
    for node in &nodes {
        assert_eq!(known(&mut driver, &[*node]).await, all);
    }
}

/// Two workers at once, neither of which knows of the other.
pub async fn is_not_disturbed_by_a_second_worker<W: World>(mut world: W) {
    let nodes = world.start(world.size() + 1).await;
    let mut one = world.driver(world.engine());
    let mut two = world.driver(world.engine());
    let begin = tokio::time::Instant::now();
    loop {
        let (first, second) = tokio::join!(one.pass(&nodes), two.pass(&nodes));
        if first.unity.is_one() && second.unity.is_one() {
            break;
        }
        assert!(
            begin.elapsed() < world.patience(),
            "{}\n{}\n{}",
            first.unity,
            one.story(),
            two.story()
        );
        sleep(Duration::from_millis(50)).await;
    }
    for driver in [&mut one, &mut two] {
        let plan = driver.plan(&nodes).await;
        assert_eq!(plan.steps, [], "{:?}", plan.steps);
    }
}

/// Members that come back at other addresses, all of them at once, with what
/// they had on disk, are the same members.
pub async fn recognises_members_that_return_elsewhere<W: World>(mut world: W) {
    let (mut driver, nodes) = formed(&mut world).await;
    let before = ids(&mut driver, &nodes).await;
    for node in &nodes {
        world.kill(*node).await;
    }
    let Some(elsewhere) = world.restart_elsewhere(&nodes).await else {
        return;
    };
    driver.until_one(&elsewhere, world.patience()).await;
    assert_eq!(ids(&mut driver, &elsewhere).await, before);
    assert_eq!(driver.count(StepKind::Forget), 0, "{}", driver.story());
}
