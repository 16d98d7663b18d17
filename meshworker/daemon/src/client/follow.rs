//! Follows the stream of events, through broken connections and restarts.

use std::collections::VecDeque;
use std::time::Duration;

use reqwest::Response;
use serde::Deserialize;
use tokio::time::sleep;

use super::worker::Worker;
use super::{Access, Client, Message, Parser, Unanswered};
use crate::status::{Event, Events};
use crate::words::plain_json;

/// Between two attempts to reach a worker again.
const PAUSE: Duration = Duration::from_secs(1);

/// What comes out of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// Something happened.
    Fact(Box<Event>),
    /// A cluster is not as it was.
    Changed,
    /// So many events were not sent, because we read too slowly.
    Missed(u64),
    /// The stream broke, for this reason; it is taken up again.
    Broken(String),
    /// It goes on, with this worker.
    Again(String),
}

/// A stream of events that is taken up again whenever it breaks.
#[derive(Debug)]
pub struct Follow {
    access: Access,
    client: Client,
    cluster: Option<String>,
    /// Who numbered the events.
    worker: String,
    /// The number of the last event.
    last: u64,
    /// When the last event was: another worker numbers its events otherwise.
    time: String,
    /// Events up to this time are known already.
    known: String,
    stream: Option<Response>,
    parser: Parser,
    news: VecDeque<News>,
    broken: bool,
}

#[derive(Deserialize)]
struct Missed {
    missed: u64,
}

impl Follow {
    /// What comes after this part of the history, which `client` was given last.
    pub fn after(
        access: Access,
        client: Client,
        cluster: Option<String>,
        history: &Events,
    ) -> Follow {
        Follow {
            worker: client.answering().unwrap_or_default(),
            access,
            client,
            cluster,
            last: history.newest,
            time: history
                .events
                .last()
                .map(|event| event.time.clone())
                .unwrap_or_default(),
            known: String::new(),
            stream: None,
            parser: Parser::default(),
            news: VecDeque::new(),
            broken: false,
        }
    }

    /// The next piece of news, whenever it comes. A connection that breaks is
    /// one, and is then taken up again.
    ///
    /// # Errors
    ///
    /// A worker refuses, or none was there to begin with.
    pub async fn next(&mut self) -> Result<News, Unanswered> {
        loop {
            if let Some(news) = self.news.pop_front() {
                return Ok(news);
            }
            let Some(stream) = &mut self.stream else {
                self.open().await?;
                continue;
            };
            let piece = stream.chunk().await;
            let taken = match piece {
                Ok(Some(piece)) => match self.parser.feed(&piece) {
                    Ok(messages) => messages
                        .into_iter()
                        .try_for_each(|message| self.take(&message)),
                    Err(error) => Err(error.to_string()),
                },
                Ok(None) => Err("the stream ended".to_owned()),
                Err(error) => Err(super::error::reason(&error)),
            };
            if let Err(why) = taken {
                self.stream = None;
                self.broken = true;
                self.news
                    .push_back(News::Broken(format!("{}: {why}", self.worker)));
            }
        }
    }

    fn take(&mut self, message: &Message) -> Result<(), String> {
        let garbage = |error: serde_json::Error| format!("an event that is none: {error}");
        let data = plain_json(&message.data);
        match message.event.as_str() {
            "fact" => {
                let event: Event = serde_json::from_str(&data).map_err(garbage)?;
                self.last = event.id;
                if event.time > self.known {
                    self.time.clone_from(&event.time);
                    self.news.push_back(News::Fact(Box::new(event)));
                }
            }
            "missed" => {
                let Missed { missed } = serde_json::from_str(&data).map_err(garbage)?;
                self.news.push_back(News::Missed(missed));
            }
            "cluster" => self.news.push_back(News::Changed),
            // What a later worker says.
            _ => {}
        }
        Ok(())
    }

    /// Opens the stream; after a break as soon as a worker is there again.
    async fn open(&mut self) -> Result<(), Unanswered> {
        if self.broken {
            sleep(PAUSE).await;
            // The workers may be elsewhere by now.
            if let Ok(client) = Client::find(&self.access).await {
                self.client = client;
            }
        }
        let opened = self
            .client
            .first(async |worker| self.at(worker).await)
            .await;
        let (stream, worker, same) = match opened {
            Ok(opened) => opened,
            Err(Unanswered::Nobody(_) | Unanswered::Refused { status: 503, .. }) if self.broken => {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if !same {
            self.known.clone_from(&self.time);
        }
        if self.broken {
            self.news.push_back(News::Again(worker.clone()));
        }
        self.broken = false;
        self.worker = worker;
        self.parser = Parser::default();
        self.stream = Some(stream);
        Ok(())
    }

    /// The stream at this worker, and whether it goes on counting where it was.
    async fn at(&self, worker: &Worker) -> Result<(Response, String, bool), Unanswered> {
        let same = worker.name == self.worker && !self.restarted(worker).await?;
        let query: Vec<_> = self
            .cluster
            .iter()
            .map(|name| ("cluster", name.clone()))
            .collect();
        let last = if same { self.last } else { 0 };
        let ask = self.client.question(&["v1", "events", "stream"], &query)?;
        let ask = ask.since(Some(last));
        let stream = worker.open(&ask).await?;
        Ok((stream, worker.name.clone(), same))
    }

    /// Whether this worker counts anew: it knows of fewer events than we do.
    async fn restarted(&self, worker: &Worker) -> Result<bool, Unanswered> {
        if !self.broken {
            return Ok(false);
        }
        let limit = [("limit", "1".to_owned())];
        let ask = self.client.question(&["v1", "events"], &limit)?;
        let events: Events = worker.ask(&ask).await?;
        Ok(events.newest < self.last)
    }
}
