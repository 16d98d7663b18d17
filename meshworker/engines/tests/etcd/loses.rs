//! Members die, disks are lost, and all are started anew.

use crate::fleet::Fleet;

/// A killed one comes back with its data; one whose disk is new is removed first and let in
/// anew; and when all start at once nobody is begun.
#[tokio::test]
async fn who_comes_back_with_its_data_stays_and_who_lost_it_is_replaced() {
    let Some(mut fleet) = Fleet::new(&[]) else {
        return;
    };
    fleet.scale(3);
    fleet.until_one_of(3, |_| {}).await;
    fleet.kill(2);
    fleet.come_up(2);
    fleet.until_one_of(3, |_| {}).await;
    let before = fleet.story.join("\n");
    assert!(!before.contains("member remove"), "{before}");
    fleet.kill(3);
    fleet.wipe(3);
    fleet.come_up(3);
    fleet.until_one_of(3, |_| {}).await;
    let story = fleet.story.join("\n");
    assert_eq!(story.matches("member remove").count(), 1, "{story}");
    for slot in 1..=3 {
        fleet.kill(slot);
    }
    for slot in 1..=3 {
        fleet.come_up(slot);
    }
    fleet.until_one_of(3, |_| {}).await;
    let story = fleet.story.join("\n");
    assert_eq!(
        story.matches("--initial-cluster-state=new").count(),
        1,
        "{story}"
    );
    assert_eq!(
        (1..=3).map(|slot| fleet.asides(slot)).sum::<usize>(),
        0,
        "{story}"
    );
}
