//! What operators are given: the API and the dashboard.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;

use super::Failed;
use crate::board::Board;
use crate::dashboard;
use crate::docker::DockerClient;
use crate::http::certificate::Certificate;
use crate::http::{self, Names, Readers, Server, Tokens};
use crate::log_level::LogLevel;
use crate::operators;
use crate::scale::Scaling;
use crate::token_file::TokenFile;

/// Where to listen for operators, and whose orders to take.
pub struct ApiListen {
    /// Where.
    pub address: SocketAddr,
    /// Whose orders are taken; none for nobody's.
    pub token: Option<Tokens>,
    /// Who may read; none for everybody.
    pub readers: Option<Readers>,
    /// Under which names operators may come.
    pub names: Names,
    /// What is shown to them; none for no encryption.
    pub tls: Option<Arc<Certificate>>,
}

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
    /// Listens, and answers nobody yet.
    ///
    /// # Errors
    ///
    /// The address cannot be listened at, or the workers' name can be none.
    pub async fn listen(self, listen: ApiListen) -> Result<Server, Failed> {
        let ApiListen {
            address,
            token,
            readers,
            names,
            tls,
        } = listen;
        let workers = self.announcements.as_ref();
        let names = names.and(workers.map(|(workers, _, _)| workers.clone()));
        let scaling = self.scaling()?;
        let desk = operators::Desk::new(self.board)
            .with_token(token.clone())
            .with_scaling(scaling)
            .with_log_level(Some(self.log_level));
        let routes = routes(desk, names, token, readers);
        let server = Server::bind(address, routes, "operators").await;
        let server =
            server.map_err(|error| Failed::Goal(format!("api-listen: {address}: {error}")))?;
        Ok(server.with_tls(tls))
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
    http::limited(known, http::guarded(names, routes))
}
