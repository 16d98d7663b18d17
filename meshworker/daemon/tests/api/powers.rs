//! A worker that may do less than everything.

use meshworker::board::Powers;
use meshworker::status::MemberState;
use serde_json::json;

use super::office::{Office, Opening};
use super::support::World;

#[tokio::test]
async fn a_dry_run_shows_its_plan_in_each_pass_and_does_nothing() {
    let mut world = World::new().await;
    world.start([1, 2, 3]).await;
    world.list([1, 2, 3]);
    let powers = Powers {
        dry_run: true,
        removals: true,
    };
    let office = Office::open(
        &world,
        Opening {
            powers,
            ..Opening::default()
        },
    )
    .await;
    let mut number = 0;
    for _ in 0..4 {
        let status = office
            .when("a plan", |s| {
                s.pass.number > number && !s.plan.steps.is_empty()
            })
            .await;
        number = status.pass.number;
        assert!(status.mode.dry_run);
        assert_eq!(status.pass.steps, 0);
        for step in &status.plan.steps {
            assert_eq!((step.ok, &step.reply), (None, &None), "{step:?}");
        }
    }
    // Not only in those that were looked at.
    let with_plan = office
        .when("all answer", |s| s.members.iter().all(|m| m.view.is_some()))
        .await;
    for more in 1..=3 {
        let next = with_plan.pass.number + more;
        let status = office
            .when("the next pass", |s| s.pass.number >= next)
            .await;
        assert!(!status.plan.steps.is_empty(), "pass {}", status.pass.number);
    }
    assert_eq!(world.asked("tip"), 0);
    assert_eq!(world.removals(), 0);
    let error = office
        .order("forget", &json!({"member": "x"}))
        .await
        .refused(409);
    assert!(error.contains("removals are switched off"), "{error}");
    office.close().await;
}

#[tokio::test]
async fn without_removals_members_join_and_nobody_is_forgotten() {
    let mut world = World::formed([1, 2]).await;
    let powers = Powers {
        dry_run: false,
        removals: false,
    };
    let office = Office::open(
        &world,
        Opening {
            powers,
            ..Opening::default()
        },
    )
    .await;
    office.one(2).await;
    world.start([3]).await;
    world.list([1, 2, 3]);
    let status = office.one(3).await;
    assert!(!status.mode.removals);

    world.stop(3).await;
    world.list([1, 2]);
    let status = office
        .when("forgetting is refused", |s| {
            s.plan.refusals.iter().any(|r| r.kind == "removals_off")
        })
        .await;
    assert!(!status.departed.is_empty());
    let node = status.departed[0].node.clone();
    let error = office
        .order("forget", &json!({"member": node}))
        .await
        .refused(409);
    assert!(error.contains("removals are switched off"), "{error}");
    office.passes(3).await;
    assert_eq!(world.removals(), 0);
    let joined = office.when("the others are in", |s| s.joined() == 2).await;
    assert!(
        joined
            .members
            .iter()
            .all(|m| m.state == MemberState::Joined)
    );
    office.close().await;
}
