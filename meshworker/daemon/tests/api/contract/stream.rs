//! What is streamed is what the document says of events.

use meshworker::board::Fact;
use meshworker::status::EventKind;

use super::{Document, Scene, State};
use crate::reader::Reader;

#[tokio::test]
async fn a_fact_that_is_streamed_is_an_event_of_the_document() {
    let scene = Scene::open(State::Seen).await;
    let event = Document::of(&scene.office).await.answer("Event");
    let mut reader = Reader::start(&scene.office, "?after=0", None).await;
    let last = Fact::new(EventKind::Order, "the last")
        .about("db.1")
        .warning();
    scene.sheet.sheet().record(last);
    loop {
        let message = reader.next().await;
        if message.event != "fact" {
            continue;
        }
        assert!(event.is_valid(&message.data), "{message:?}");
        if message.data["text"] == "the last" {
            break;
        }
    }
    drop(reader);
    scene.office.close().await;
}
