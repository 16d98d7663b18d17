//! What `meshworker run` gives operators: the API and the dashboard, on a thread
//! of its own, so that whoever asks never makes a pass wait.

use std::sync::Arc;
use std::thread::JoinHandle;

use axum::Router;
use tokio::sync::watch;
use tracing::warn;

use crate::board::Board;
use crate::dashboard;
use crate::http::{self, Names, Readers, Server, Tokens};
use crate::log_level::LogLevel;
use crate::operators;
use crate::scale::Scaling;
use crate::token_file::TokenFile;
use crate::witness::DockerClient;

use super::Failed;
use super::listen::ApiListen;

/// What the server for operators is made of.
pub struct Operators {
    /// What is told.
    pub board: Arc<Board>,
    /// Where members announce themselves: the workers' name, their port and the
    /// token; none when they cannot.
    pub announcements: Option<(String, u16, TokenFile)>,
    /// What is logged.
    pub log_level: LogLevel,
}

impl Operators {
    /// Listens, and answers on a thread of its own until `stop` becomes true.
    ///
    /// # Errors
    ///
    /// The address cannot be listened at, or the workers' name can be none.
    pub async fn start(
        self,
        mut listen: ApiListen,
        stop: watch::Receiver<bool>,
    ) -> Result<JoinHandle<()>, Failed> {
        let token = listen.token.take();
        let names = std::mem::take(&mut listen.names).and(
            self.announcements
                .as_ref()
                .map(|(workers, _, _)| workers.clone()),
        );
        let known = listen.known.take();
        let readers = listen.readers.take();
        let scaling = self.scaling()?;
        let desk = operators::Desk::new(self.board)
            .with_token(token)
            .with_scaling(scaling)
            .with_log_level(Some(self.log_level));
        let server = listen.bind(routes(desk, names, known, readers)).await?;
        let thread = std::thread::Builder::new().name("operators".into());
        thread
            .spawn(move || answer(server, stop))
            .map_err(|error| Failed::Goal(format!("no thread: {error}")))
    }

    fn scaling(&self) -> Result<Option<Arc<Scaling>>, Failed> {
        let Some((workers, port, token)) = &self.announcements else {
            return Ok(None);
        };
        // Without the Docker API orders that need it are refused, each with a word.
        let Ok(client) = DockerClient::shared() else {
            return Ok(None);
        };
        let scaling = Scaling::new(client, workers, *port, token.clone());
        let scaling =
            scaling.map_err(|why| Failed::Input(format!("workers: found '{workers}': {why}")))?;
        Ok(Some(scaling))
    }
}

/// Everything that operators can ask for.
fn routes(
    desk: operators::Desk,
    names: Names,
    known: Option<Tokens>,
    readers: Option<Readers>,
) -> Router {
    let routes = operators::router(desk).merge(dashboard::router());
    let routes = http::restricted(readers, routes);
    http::limited_with(known, http::guarded(names, routes))
}

fn answer(server: Server, stop: watch::Receiver<bool>) {
    match super::runtime() {
        Ok(runtime) => runtime.block_on(server.run(stop)),
        Err(error) => warn!("operators are not answered: {error}"),
    }
}
