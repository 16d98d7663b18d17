//! `meshworker run`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::ArgMatches;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::board::{Board, Powers};
use crate::config::{Cluster, Inputs};
use crate::fleet::Fleet;
use crate::http::Server;
use crate::log_level::LogLevel;
use crate::{watchdog, worker};

use super::listen::{ApiListen, Listen, Listening};
use super::operators::Operators;
use super::{Failed, cluster_args, flag, logging};

/// Looks after the configured clusters until told to stop; with `--once`,
/// until each of them is one.
pub fn run(args: &ArgMatches) -> Result<(), Failed> {
    let given = cluster_args::read(args)?;
    let clusters = given.clusters().map_err(Failed::input)?;
    let timeout = once_timeout(args)?;
    if flag(args, "once") && given.labels {
        return Err(Failed::Input(
            "once (flag): found it beside labels; allowed: with flags or a file".into(),
        ));
    }
    let listen = Listen::read(args)?;
    let api = ApiListen::read(args)?;
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
    let runtime = super::runtime()?;
    if flag(args, "once") {
        return runtime.block_on(once(clusters, timeout));
    }
    let serving = Serving {
        listen,
        api,
        powers,
        workers: workers.filter(|name| !name.trim().is_empty()),
        log_level,
    };
    runtime.block_on(forever(given, clusters, serving))
}

fn once_timeout(args: &ArgMatches) -> Result<Duration, Failed> {
    let text = args.get_one::<String>("once-timeout");
    let text = text.map_or("60", String::as_str);
    let seconds = text.parse().ok().filter(|s| (0.001..=86_400.0).contains(s));
    let timeout = seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
    timeout.ok_or_else(|| {
        Failed::Input(format!(
            "once-timeout: found '{text}'; allowed: seconds, such as 60, at most a day"
        ))
    })
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

/// Whom the process serves besides its clusters, and what it may do.
struct Serving {
    listen: Option<Listen>,
    api: Option<ApiListen>,
    powers: Powers,
    /// The name of all workers.
    workers: Option<String>,
    log_level: LogLevel,
}

async fn forever(given: Inputs, clusters: Vec<Cluster>, serving: Serving) -> Result<(), Failed> {
    watchdog::watch_this_runtime()
        .map_err(|error| Failed::Goal(format!("no thread for the watchdog: {error}")))?;
    let board = Board::new(serving.powers);
    let workers = serving.workers.unwrap_or_else(|| "127.0.0.1".into());
    let listening = match serving.listen {
        Some(listen) => Some(listen.bind(&workers).await?),
        None => None,
    };
    if let Some(listening) = &listening {
        board.watch_door(Arc::clone(&listening.unproved));
    }
    if let Some(certificate) = serving.api.as_ref().and_then(|api| api.tls.clone()) {
        if let Some(why) = certificate.warning(SystemTime::now()) {
            warn!("{why}");
        }
        board.watch_certificate(certificate);
    }
    let (end, ended) = watch::channel(false);
    let operators = match serving.api {
        None => None,
        Some(api) => {
            let announcements = listening.as_ref().map(|listening| {
                let port = listening.server.address().port();
                (workers.clone(), port, listening.token_file.clone())
            });
            let operators = Operators {
                board: Arc::clone(&board),
                announcements,
                log_level: serving.log_level,
            };
            Some(operators.start(api, ended).await?)
        }
    };
    let (server, registry) = match listening {
        Some(Listening {
            server, registry, ..
        }) => (Some(server), Some(registry)),
        None => (None, None),
    };
    let fleet = Fleet::new(clusters, given, board, registry);
    let done = until_told(fleet, server).await;
    // Whoever asks is answered until the last pass is over.
    end.send_replace(true);
    if let Some(operators) = operators {
        // It cuts what takes longer than a second.
        let _ = operators.join();
    }
    done
}

/// Looks after the clusters until a signal says to stop.
async fn until_told(fleet: Fleet, server: Option<Server>) -> Result<(), Failed> {
    let (stop, stopped) = watch::channel(false);
    let signals = |kind| signal(kind).map_err(|error| Failed::Goal(format!("no signals: {error}")));
    let mut terminate = signals(SignalKind::terminate())?;
    let mut interrupt = signals(SignalKind::interrupt())?;
    let mut running = tokio::spawn(both(fleet, server, stopped));
    tokio::select! {
        ended = &mut running => return over(ended),
        () = either(&mut terminate, &mut interrupt) => info!("stopping after this pass"),
    }
    // Nobody listens any more only when the fleet has ended by itself.
    let _ = stop.send(true);
    tokio::select! {
        ended = &mut running => over(ended),
        () = either(&mut terminate, &mut interrupt) => Err(Failed::Goal("aborted by a second signal".into())),
    }
}

/// Looks after the clusters, and listens meanwhile.
async fn both(
    fleet: Fleet,
    server: Option<Server>,
    stopped: watch::Receiver<bool>,
) -> Result<(), String> {
    let Some(server) = server else {
        return fleet.run(stopped).await;
    };
    let (end, ended) = watch::channel(false);
    let mut listening = tokio::spawn(server.run(ended));
    let broke = |error| format!("the server broke: {error}");
    let done = tokio::select! {
        done = fleet.run(stopped) => done,
        // It ends by itself only when it is broken.
        ended = &mut listening => return ended.map_err(broke),
    };
    // Whoever asks is answered until the last pass is over.
    end.send_replace(true);
    listening.await.map_err(broke)?;
    done
}

fn over(ended: Result<Result<(), String>, tokio::task::JoinError>) -> Result<(), Failed> {
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(why)) => Err(Failed::Goal(why)),
        Err(error) => Err(Failed::Goal(format!("a worker broke: {error}"))),
    }
}

async fn either(a: &mut Signal, b: &mut Signal) {
    tokio::select! {
        _ = a.recv() => {}
        _ = b.recv() => {}
    }
}
