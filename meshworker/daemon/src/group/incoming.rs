//! Where other workers speak to this one.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::codec::Framed;

use super::event::Event;
use super::frame::Frame;
use super::line::codec;
use super::queue::Queue;
use super::shared::Shared;
use crate::http::{Entrance, Proved};

/// Whoever takes no answer for so long is gone.
const TAKEN: Duration = Duration::from_secs(3);

/// Whoever is there says something more often.
const SILENT: Duration = Duration::from_secs(5);

/// What every connection needs of this worker.
#[derive(Clone)]
struct Office {
    shared: Arc<Shared>,
    queue: Queue,
}

/// Hears all workers that come here, for ever.
pub(super) async fn hear(entrance: Entrance, shared: Arc<Shared>, queue: Queue) {
    let office = Office { shared, queue };
    let answered = move |stream, _| {
        let office = office.clone();
        async move { answer(stream, &office).await }
    };
    entrance.run(answered).await;
}

/// Hears a worker until it falls silent, and says why.
async fn answer(stream: Proved, Office { shared, queue }: &Office) -> String {
    let mut wire = Framed::new(stream, codec());
    let (answers, mut answered) = mpsc::channel(16);
    loop {
        let frame = tokio::select! {
            frame = timeout(SILENT, wire.next()) => frame,
            Some(answer) = answered.recv() => {
                if let Err(why) = say(&mut wire, answer).await {
                    return why;
                }
                continue;
            }
        };
        let (frame, length) = match frame {
            Ok(Some(Ok(bytes))) => (Frame::of(&bytes), bytes.len()),
            Ok(Some(Err(why))) => return why.to_string(),
            Ok(None) => return "it hung up".to_owned(),
            Err(_) => return "it fell silent".to_owned(),
        };
        let event = match frame {
            Ok(Frame::Hello(hello)) => {
                if let Some(own) = shared.hello()
                    && let Err(why) = say(&mut wire, Frame::Hello(own)).await
                {
                    return why;
                }
                Event::Heard(hello, None)
            }
            Ok(Frame::Letter(letter)) => Event::Letter(letter),
            Ok(Frame::Tell(told)) => Event::Tell(told, false),
            Ok(Frame::Ask(number, order)) => {
                let (reply, heard) = oneshot::channel();
                let answers = answers.clone();
                tokio::spawn(async move {
                    let lost = || Err("this worker ends".to_owned());
                    let answer = heard.await.unwrap_or_else(|_| lost());
                    // Whoever asked may be gone.
                    let _ = answers.send(Frame::Answer(number, answer)).await;
                });
                Event::Handed(order, reply)
            }
            Ok(Frame::Answer(..)) => return "it answers what nobody asked".to_owned(),
            Err(why) => return why.to_string(),
        };
        if let Err(why) = queue.put(event, length).await {
            return why;
        }
    }
}

async fn say(
    wire: &mut Framed<Proved, tokio_util::codec::LengthDelimitedCodec>,
    frame: Frame,
) -> Result<(), String> {
    let bytes = frame.bytes().map_err(|why| why.to_string())?;
    match timeout(TAKEN, wire.send(bytes)).await {
        Ok(sent) => sent.map_err(|why| why.to_string()),
        Err(_) => Err("it takes nothing any more".to_owned()),
    }
}
