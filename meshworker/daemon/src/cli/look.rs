//! `meshworker look`.

use clap::ArgMatches;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker_core::Orders;
use meshworker_engines::Engine;

use crate::board::{Look, Since, of};
use crate::worker::{self, Job, Worker};

use super::screen::Screen;
use super::show::{self, Shown};
use super::{Failed, cluster_args, flag, runtime};

/// Looks once at each configured cluster and shows what was seen and what
/// would be done, as a worker's API would.
pub fn look(args: &ArgMatches) -> Result<(), Failed> {
    let clusters = cluster_args::read(args)?
        .clusters()
        .map_err(Failed::input)?;
    let (runtime, screen) = (runtime()?, Screen::new());
    let orders = Orders {
        dry_run: true,
        ..Orders::default()
    };
    let mut apart = Vec::new();
    for cluster in clusters {
        let (name, engine) = (cluster.name.clone(), cluster.engine.descriptor().name);
        let look = runtime.block_on(worker::visit(cluster, OneLook));
        let mut since = Since::default();
        since.note(&look, &of::states(&look));
        let status = of::cluster(&name, engine, &look, &since, &orders);
        let shown = Shown {
            summary: of::summary(&name, engine, Some(&look), &orders),
            status: Some(status),
            lately: Vec::new(),
        };
        if flag(args, "json") {
            screen.json(&shown.status, true)?;
        } else {
            screen.print(&show::status(&shown, &screen.style))?;
        }
        apart.extend(shown.trouble());
    }
    if apart.is_empty() {
        return Ok(());
    }
    Err(Failed::Goal(apart.join("; ")))
}

struct OneLook;

impl Job for OneLook {
    type Output = Look;

    fn work<E: Engine>(self, mut worker: Worker<E>) -> BoxFuture<'static, Look> {
        async move { worker::told(&worker.look().await) }.boxed()
    }
}
