//! The same life on Kubernetes: two StatefulSets, whose pods a worker reads from the API, and
//! who count from 0.

use crate::fleet::{CONTROLLING, Fleet, copy};

#[tokio::test]
async fn two_statefulsets_become_one_grow_and_shrink_from_member_0_on() {
    let mut fleet = Fleet::on_kubernetes().await;
    fleet.scale(2);
    fleet.until_one_of(3).await;
    let mut acknowledged = fleet.write(0, 6).await;
    fleet.scale(4);
    fleet.until_one_of(5).await;
    acknowledged.extend(fleet.write(6, 6).await);
    fleet.all_have(&acknowledged).await;
    fleet.scale(1);
    fleet.until_one_of(2).await;
    fleet.all_have(&acknowledged).await;
    assert_eq!(acknowledged.len(), 12);
    assert_eq!(
        (
            fleet.asked("createCluster"),
            fleet.asked("growCluster"),
            fleet.asked("repl/remove")
        ),
        (1, 4, 3)
    );
}

#[tokio::test]
async fn a_pod_that_is_evicted_is_taken_out_first_and_its_successor_is_another_one() {
    let mut fleet = Fleet::on_kubernetes().await;
    fleet.scale(2);
    fleet.until_one_of(3).await;
    let acknowledged = fleet.write(0, 6).await;
    fleet.evict(copy(2));
    let gone = async |fleet: &Fleet, _: &_| !fleet.is_there(copy(2));
    fleet.until("it is let go", gone).await;
    assert_eq!(fleet.instances().await, 2);
    fleet.come_up(copy(2));
    fleet.until_one_of(3).await;
    fleet.all_have(&acknowledged).await;
    assert_eq!(
        (fleet.asked("growCluster"), fleet.asked("repl/remove")),
        (3, 1)
    );
}

#[tokio::test]
async fn the_controlling_pod_moves_with_its_volume_and_nothing_is_begun_or_taken_out() {
    let mut fleet = Fleet::on_kubernetes().await;
    fleet.scale(2);
    fleet.until_one_of(3).await;
    let mut acknowledged = fleet.write(0, 6).await;
    fleet.evict(CONTROLLING);
    let gone = async |fleet: &Fleet, _: &_| !fleet.is_there(CONTROLLING);
    fleet.until("it is let go", gone).await;
    fleet.new_worker();
    for _ in 0..10 {
        assert!(fleet.pass().await.steps.is_empty());
    }
    fleet.come_up(CONTROLLING);
    fleet.until_one_of(3).await;
    acknowledged.extend(fleet.write(6, 6).await);
    assert_eq!(acknowledged.len(), 12);
    fleet.all_have(&acknowledged).await;
    assert_eq!(
        (fleet.asked("createCluster"), fleet.asked("repl/remove")),
        (1, 0)
    );
}

/// A pod whose node is lost may run on: it is a member until somebody deletes it by force.
#[tokio::test]
async fn a_copy_on_a_lost_node_is_taken_out_once_its_pod_is_gone_and_not_before() {
    let mut fleet = Fleet::on_kubernetes().await;
    fleet.scale(2);
    fleet.until_one_of(3).await;
    fleet.lose_node(copy(2));
    for _ in 0..20 {
        let plan = fleet.pass().await;
        assert!(plan.steps.is_empty(), "{:?}", plan.steps);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    fleet.kill(copy(2));
    fleet.come_up(copy(2));
    fleet.until_one_of(3).await;
    assert_eq!(fleet.asked("repl/remove"), 1);
}
