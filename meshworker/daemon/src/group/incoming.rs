//! Where other workers speak to this one.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::codec::Framed;

use super::event::Event;
use super::frame::Frame;
use super::line::codec;
use super::shared::Shared;
use crate::http::{Entrance, Proved};

/// Whoever takes no answer for so long is gone.
const TAKEN: Duration = Duration::from_secs(3);

/// So many bytes of letters wait for the group's thread; whoever sends more waits, too.
pub(super) const WAITING: usize = 4 << 20;

/// Whoever is there says something more often.
const SILENT: Duration = Duration::from_secs(5);

/// What every connection needs of this worker.
#[derive(Clone)]
struct Office {
    shared: Arc<Shared>,
    events: mpsc::Sender<Event>,
    room: Arc<Semaphore>,
}

/// Hears all workers that come here, for ever.
pub(super) async fn hear(entrance: Entrance, shared: Arc<Shared>, events: mpsc::Sender<Event>) {
    let office = Office {
        shared,
        events,
        room: Arc::new(Semaphore::new(WAITING)),
    };
    let answered = move |stream, _| {
        let office = office.clone();
        async move { answer(stream, &office).await }
    };
    entrance.run(answered).await;
}

/// Hears a worker until it falls silent, and says why.
async fn answer(
    stream: Proved,
    Office {
        shared,
        events,
        room,
    }: &Office,
) -> String {
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
        let frame = match frame {
            Ok(Some(Ok(bytes))) => Frame::of(&bytes),
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
            Ok(Frame::Letter(letter)) => {
                let bytes = letter.message.len().min(WAITING);
                let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
                match Arc::clone(room).acquire_many_owned(bytes).await {
                    Ok(place) => Event::Letter(letter, place),
                    Err(why) => return why.to_string(),
                }
            }
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
        if events.send(event).await.is_err() {
            return "this worker ends".to_owned();
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
