//! `meshworker run`.

use std::time::Duration;

use clap::ArgMatches;
use tokio::task::JoinSet;
use tracing::info;

use crate::board::Powers;
use crate::config::Cluster;
use crate::config::setting::{GOSSIP, PROCESS};
use crate::process::{Process, runtime};
use crate::worker;

use super::{Failed, cluster_args, flag, listen, logging, seconds};

/// Looks after the configured clusters until told to stop; with `--once`,
/// until each of them is one.
pub fn run(args: &ArgMatches) -> Result<(), Failed> {
    let given = cluster_args::read(args)?;
    let clusters = given.clusters().map_err(Failed::input)?;
    let timeout = seconds(args, "once-timeout")?;
    if flag(args, "once") && given.labels {
        return Err(Failed::Input(
            "once (flag): found it beside labels; allowed: with flags or a file".into(),
        ));
    }
    let mut settings = cluster_args::given(args, PROCESS);
    settings.extend(cluster_args::given(args, GOSSIP));
    let (listen, api) = listen::read(&settings)?;
    let group = listen::group(&settings)?;
    let gossip = listen::gossip(&settings, None)?;
    let mut clusters = clusters;
    if let Some(gossip) = &gossip {
        clusters.iter_mut().for_each(|cluster| gossip.tell(cluster));
    }
    let powers = Powers {
        dry_run: flag(args, "dry-run"),
        removals: !flag(args, "no-removals"),
    };
    if flag(args, "once") && (listen.is_some() || api.is_some() || powers != Powers::default()) {
        return Err(Failed::Input(
            "once (flag): found it beside listen, api-listen, dry-run or no-removals; allowed: \
             without them"
                .into(),
        ));
    }
    let workers = args.get_one::<String>("workers").cloned();
    let log_level = logging::start(args);
    info!(
        version = env!("CARGO_PKG_VERSION"),
        clusters = clusters.len(),
        "meshworker starts"
    );
    let runtime = runtime()?;
    if flag(args, "once") {
        return runtime.block_on(once(clusters, timeout));
    }
    let process = Process {
        inputs: given,
        clusters,
        powers,
        listen,
        api,
        gossip,
        group,
        workers: workers.filter(|name| !name.trim().is_empty()),
        log_level,
    };
    runtime.block_on(process.run())
}

async fn once(clusters: Vec<Cluster>, timeout: Duration) -> Result<(), Failed> {
    let mut tasks = JoinSet::new();
    for cluster in clusters {
        let name = cluster.name.clone();
        let done = worker::until_one(cluster, timeout);
        tasks.spawn(async move { (name, done.await) });
    }
    let mut missing = Vec::new();
    while let Some(task) = tasks.join_next().await {
        match task.map_err(|error| Failed::Goal(format!("a worker broke: {error}")))? {
            (name, Ok(unity)) => info!(cluster = name, "{unity}"),
            (name, Err(why)) => missing.push(format!("{name}: {why}")),
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failed::Goal(missing.join("; ")))
}
