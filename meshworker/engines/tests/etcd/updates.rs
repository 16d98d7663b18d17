//! A rolling update with a client that writes all the time.

use crate::fleet::Fleet;
use crate::writer::Writer;

/// Each comes back as the same member with its data; whoever leads hands over first.
#[tokio::test]
async fn an_update_moves_the_leader_first_and_takes_nobody_out() {
    let Some(mut fleet) = Fleet::new(&[]) else {
        return;
    };
    let writer = Writer::start();
    let asks = |fleet: &Fleet| writer.ask(fleet.running());
    fleet.scale(3);
    fleet.until_one_of(3, asks).await;
    for slot in [3, 2, 1] {
        fleet.update(slot, asks).await;
        fleet.until_one_of(3, asks).await;
    }
    let (acknowledged, pause) = writer.so_far();
    let missing = writer.missing(fleet.running()[0]).await;
    let story = fleet.story.join("\n");
    println!(
        "updated: {acknowledged} writes acknowledged, {} missing, longest pause {pause:.2?}\n{story}",
        missing.len()
    );
    assert!(missing.is_empty(), "{missing:?}\n{story}");
    assert_eq!(story.matches("move-leader").count(), 1, "{story}");
    assert!(!story.contains("member remove"), "{story}");
}
