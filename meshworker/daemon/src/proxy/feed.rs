//! Asks the workers who is what, whenever they say that something has changed.

use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::route::Route;
use crate::client::{Access, Client, Follow};
use crate::status::{ClusterStatus, Events, Summary};

/// Between two questions, where nobody says that anything has changed.
const CALM: Duration = Duration::from_secs(1);

/// The same, while there is no primary.
const WATCHFUL: Duration = Duration::from_millis(200);

/// Between two questions at the least, however much changes.
const LEAST: Duration = Duration::from_millis(20);

/// A lower term than was heard is that of a worker that looked before the change; one that
/// is said for so long is that of a cluster that was begun anew.
const ANEW: Duration = Duration::from_secs(30);

/// Where the route comes from.
pub(super) struct Feed {
    pub(super) access: Access,
    pub(super) cluster: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) tells: watch::Sender<Route>,
}

impl Feed {
    /// For as long as it is polled.
    pub(super) async fn run(&self) {
        let wakes = Notify::new();
        tokio::join!(self.listen(&wakes), self.ask(&wakes));
    }

    /// Wakes whoever asks, whenever something changes.
    async fn listen(&self, wakes: &Notify) {
        loop {
            if let Some(mut news) = self.news().await {
                while news.next().await.is_ok() {
                    wakes.notify_one();
                }
            }
            // What is said until a worker is there again is asked for all the same.
            sleep(CALM).await;
        }
    }

    async fn news(&self) -> Option<Follow> {
        let client = Client::find(&self.access).await.ok()?;
        let limit = [("limit", "1".to_owned())];
        let history: Events = client.get(&["v1", "events"], &limit).await.ok()?;
        let (access, cluster) = (self.access.clone(), self.cluster.clone());
        Some(Follow::after(access, client, cluster, &history))
    }

    /// Asks again and again.
    async fn ask(&self, wakes: &Notify) {
        let mut client = None;
        let mut silent = String::new();
        let mut older_since = None;
        loop {
            match self.status(&mut client).await {
                Ok(status) => {
                    silent.clear();
                    self.tell(Route::of(&status, self.port), &mut older_since);
                }
                Err(why) => {
                    // They may be elsewhere by now. Whoever is led stays led.
                    client = None;
                    if silent != why {
                        warn!("goes on as it was told last: {why}");
                        silent = why;
                    }
                }
            }
            let primary = self.tells.borrow().primary();
            let pause = if primary.is_some() { CALM } else { WATCHFUL };
            tokio::select! {
                () = sleep(pause) => {}
                () = wakes.notified() => sleep(LEAST).await,
            }
        }
    }

    async fn status(&self, found: &mut Option<Client>) -> Result<ClusterStatus, String> {
        let client = match found.take() {
            Some(client) => client,
            None => Client::find(&self.access).await?,
        };
        let client = found.insert(client);
        let asked = async {
            let name = match &self.cluster {
                Some(name) => name.clone(),
                None => {
                    let all: Vec<Summary> = client.get(&["v1", "clusters"], &[]).await?;
                    match <[Summary; 1]>::try_from(all) {
                        Ok([only]) => only.name,
                        Err(all) => {
                            let names: Vec<String> = all.into_iter().map(|it| it.name).collect();
                            let names = names.join(", ");
                            return Ok(Err(format!(
                                "cluster: found nothing; allowed: one of these: {names}"
                            )));
                        }
                    }
                }
            };
            let status = client.get(&["v1", "clusters", &name], &[]).await?;
            Ok::<_, crate::client::Unanswered>(Ok(status))
        };
        asked.await.map_err(|why| why.to_string())?
    }

    /// Tells the doors, unless whoever said this knows less than they do.
    fn tell(&self, said: Route, older_since: &mut Option<Instant>) {
        let known = self.tells.borrow().clone();
        if !said.is_older_than(&known) {
            *older_since = None;
        } else if older_since.get_or_insert_with(Instant::now).elapsed() < ANEW {
            return;
        }
        let now = said.after(&known);
        if now.primary() != known.primary() {
            match now.primary() {
                Some(primary) => info!("writes are led to {primary}"),
                None => warn!("there is no primary: clients that come to write are held"),
            }
        }
        self.tells.send_if_modified(|told| {
            let news = *told != now;
            *told = now;
            news
        });
    }
}
