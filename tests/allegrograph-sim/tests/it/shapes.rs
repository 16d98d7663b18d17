//! A status may be written in any of these shapes: nobody here has seen a real one.

use meshworker_core::Unity;

use crate::fleet::Fleet;

async fn forms(shape: &str) {
    let mut fleet = Fleet::new();
    fleet.arguments = vec!["--shape".into(), shape.into()];
    fleet.scale(2);
    let one = async |_: &Fleet, plan: &meshworker_core::Plan<_>| {
        plan.unity == Unity::One { size: 3 } && plan.steps.is_empty()
    };
    fleet.until(shape, one).await;
    assert_eq!(
        (fleet.asked("createCluster"), fleet.asked("growCluster")),
        (1, 2)
    );
    fleet.scale(1);
    let one = async |_: &Fleet, plan: &meshworker_core::Plan<_>| {
        plan.unity == Unity::One { size: 2 } && plan.leavers.is_empty()
    };
    fleet.until(shape, one).await;
    assert_eq!(fleet.asked("repl/remove"), 1);
}

#[tokio::test]
async fn an_object() {
    forms("object").await;
}

#[tokio::test]
async fn objects_by_name() {
    forms("by-name").await;
}

#[tokio::test]
async fn blocks() {
    forms("blocks").await;
}

#[tokio::test]
async fn lines() {
    forms("lines").await;
}

/// Where nothing can be read of it, one thing is certain: a second cluster is not begun.
#[tokio::test]
async fn what_cannot_be_read_is_waited_for_and_nothing_is_begun_twice() {
    for shape in ["names", "empty"] {
        let mut fleet = Fleet::new();
        fleet.arguments = vec!["--shape".into(), shape.into()];
        fleet.scale(1);
        let begun = async |fleet: &Fleet, _: &_| fleet.asked("createCluster") == 1;
        fleet.until("the birth", begun).await;
        for _ in 0..10 {
            assert!(fleet.pass().await.steps.is_empty());
        }
        let plan = fleet.pass().await;
        let said = Fleet::refuses(&plan, "cannot be read");
        assert!(said, "{:?}", plan.refusals);
        assert_eq!(fleet.asked("createCluster"), 1);
    }
}
