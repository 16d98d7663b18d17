//! The way to one other worker's address.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_rustls::client::TlsStream;
use tokio_util::codec::{Framed, LengthDelimitedCodec};
use tracing::debug;

use super::event::Event;
use super::frame::{Frame, LONGEST};
use super::queue::Queue;
use super::shared::Shared;
use crate::proof::Call;

/// So often a worker says who it is.
const HELLO: Duration = Duration::from_millis(500);

/// A connection takes less, or nobody is there.
const DIAL: Duration = Duration::from_secs(1);

/// Whoever is there answers each hello: a connection that is silent for so long leads
/// nowhere any more, though neither end was told.
const SILENT: Duration = Duration::from_millis(1_500);

/// So many letters wait for one address. What is lost is said again.
const LETTERS: usize = 256;

/// And so many bytes, or one longer letter. What is lost is said again.
pub(super) const WAITING: usize = 128 << 10;

/// The way to one other worker's address: what is posted goes there, or is lost.
#[derive(Debug)]
pub(super) struct Line {
    post: mpsc::Sender<Bytes>,
    /// So many bytes wait.
    waiting: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Line {
    /// Keeps a connection to this address, says hello there, and tells what is answered.
    pub(super) fn open(at: SocketAddr, call: Arc<Call>, shared: Arc<Shared>, queue: Queue) -> Line {
        let (post, letters) = mpsc::channel(LETTERS);
        let waiting = Arc::<AtomicUsize>::default();
        let way = Way {
            at,
            call,
            shared,
            queue,
            letters,
            waiting: Arc::clone(&waiting),
        };
        Line {
            post,
            waiting,
            task: tokio::spawn(way.keep()),
        }
    }

    /// Sends this, if there is room for it.
    pub(super) fn send(&self, bytes: Bytes) {
        let more = bytes.len();
        let before = self.waiting.fetch_add(more, Ordering::Relaxed);
        let fits = before == 0 || before + more <= WAITING;
        if !fits || self.post.try_send(bytes).is_err() {
            self.waiting.fetch_sub(more, Ordering::Relaxed);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Way {
    at: SocketAddr,
    call: Arc<Call>,
    shared: Arc<Shared>,
    queue: Queue,
    letters: mpsc::Receiver<Bytes>,
    waiting: Arc<AtomicUsize>,
}

impl Way {
    async fn keep(mut self) {
        let mut told = String::new();
        loop {
            let why = match timeout(DIAL, self.call.connect(self.at)).await {
                Ok(Ok(stream)) => self.speak(stream).await,
                Ok(Err(why)) => why.to_string(),
                Err(_) => "it does not answer".to_owned(),
            };
            if why != told {
                debug!(worker = %self.at, "no way to another worker: {why}");
                told = why;
            }
            sleep(HELLO).await;
            // What waited meanwhile is older than what it was said for.
            while let Ok(letter) = self.letters.try_recv() {
                self.taken(&letter);
            }
        }
    }

    fn taken(&self, letter: &Bytes) {
        self.waiting.fetch_sub(letter.len(), Ordering::Relaxed);
    }

    /// Speaks until that leads nowhere, and says why.
    async fn speak(&mut self, stream: TlsStream<TcpStream>) -> String {
        let _ = stream.get_ref().0.set_nodelay(true);
        let mut wire = Framed::new(stream, codec());
        let mut hellos = interval(HELLO);
        hellos.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            let bytes = tokio::select! {
                _ = hellos.tick() => {
                    if heard.elapsed() > SILENT {
                        return "it fell silent".to_owned();
                    }
                    self.shared.hello().and_then(|hello| Frame::Hello(hello).bytes().ok())
                }
                letter = self.letters.recv() => letter.inspect(|letter| self.taken(letter)),
                frame = wire.next() => {
                    let (frame, length) = match frame {
                        Some(Ok(bytes)) => (Frame::of(&bytes), bytes.len()),
                        Some(Err(why)) => return why.to_string(),
                        None => return "it hung up".to_owned(),
                    };
                    heard = Instant::now();
                    let event = match frame {
                        Ok(Frame::Hello(hello)) => Event::Heard(hello, Some(self.at.ip())),
                        Ok(Frame::Answer(number, answer)) => Event::Answered(number, answer),
                        Ok(_) => return "it says what only a caller says".to_owned(),
                        Err(why) => return why.to_string(),
                    };
                    if let Err(why) = self.queue.put(event, length).await {
                        return why;
                    }
                    None
                }
            };
            let Some(bytes) = bytes else { continue };
            match timeout(DIAL, wire.send(bytes)).await {
                Ok(Ok(())) => {}
                Ok(Err(why)) => return why.to_string(),
                Err(_) => return "it takes nothing any more".to_owned(),
            }
        }
    }
}

/// How frames are told apart.
pub(super) fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder()
        .max_frame_length(LONGEST)
        .new_codec()
}
