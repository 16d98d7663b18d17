//! Form 3, 5, 3, 1 with a client that writes all the time.

use crate::fleet::Fleet;
use crate::writer::Writer;

/// The whole life of a cluster, by the wish and by the number of replicas: nothing that was
/// acknowledged is lost, and whoever is let go becomes a spare with its data put aside.
#[tokio::test]
async fn a_cluster_forms_grows_and_shrinks_and_loses_no_write() {
    let Some(mut fleet) = Fleet::new(&[]) else {
        return;
    };
    let writer = Writer::start();
    fleet.scale(3);
    let asks = |fleet: &Fleet| writer.ask(fleet.running());
    let formed = fleet.until_one_of(3, asks).await;
    // The others volunteer, and are let in as soon as somebody wishes for it.
    fleet.wish("3");
    fleet.scale(5);
    fleet.until_one_of(3, asks).await;
    fleet.wish("5");
    let grown = fleet.until_one_of(5, asks).await;
    fleet.wish("3");
    let shrunk = fleet.until_one_of(3, asks).await;
    // By the number of replicas: those beyond it are taken out before they stop.
    fleet.wish("auto");
    fleet.scale(1);
    let alone = fleet.until_one_of(1, asks).await;
    let (acknowledged, pause) = writer.so_far();
    let last = fleet.running()[0];
    let missing = writer.missing(last).await;
    let story = fleet.story.join("\n");
    println!(
        "formed in {formed:.1?}, to 5 in {grown:.1?}, to 3 in {shrunk:.1?}, to 1 in {alone:.1?}; \
         {acknowledged} writes acknowledged, {} missing, longest pause {pause:.2?}\n{story}",
        missing.len()
    );
    assert!(missing.is_empty(), "{missing:?}\n{story}");
    assert!(acknowledged > 100, "{acknowledged}\n{story}");
    // Once in its life it was begun.
    assert_eq!(
        story.matches("--initial-cluster-state=new").count(),
        1,
        "{story}"
    );
}
