//! `meshworker scale` and `meshworker drain`: by a worker that is told so over
//! its API, or from here through the Docker API.

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::announce::client::Client;
use crate::config::{PORT, Surroundings, port_number};
use crate::docker::DockerClient;
use crate::kubernetes::KubernetesClient;
use crate::scale::{Orchestrator, Scale, Stuck, Wish, Workers, is_short, member_in_slot};
use crate::token_file::TokenFile;

use super::api_args::{self, Api, given};
use super::remote::Remote;
use super::{Failed, flag, logging, runtime, seconds};

/// The two ways, and the exit codes.
const HELP: &str = "\
Who does it: a worker with the API of Docker or Kubernetes, told by --api and --api-token-file.
Without --api or MESHWORKER_API, and with --token-file, it is done from here, where that API must be
reachable.

Exit codes:
  0  done; with --detach: a worker has taken the order
  1  not done: it was refused, or the time is over; the last line says why
  2  input that cannot be used";

/// `meshworker scale SERVICE=N`.
pub fn scale_command() -> Command {
    with_settings(
        Command::new("scale")
            .about("Grow a service, or shrink it one by one, each member when its data is safe"),
        Arg::new("service")
            .value_name("SERVICE=N")
            .required(true)
            .help("The service's full name and how many replicas it is to have"),
    )
}

/// `meshworker drain MEMBER`.
pub fn drain_command() -> Command {
    with_settings(
        Command::new("drain").about(
            "Free one member of its data, and shrink the service by it where Swarm or Kubernetes would take it",
        ),
        Arg::new("member")
            .value_name("MEMBER")
            .required(true)
            .help("The member: SERVICE.SLOT, its slot's number, or its address; from here SERVICE.SLOT alone"),
    )
    .arg(super::order::why())
    .arg(super::order::who())
}

fn with_settings(command: Command, what: Arg) -> Command {
    let setting = |name: &'static str, variable: &'static str, value: &'static str| {
        Arg::new(name).long(name).env(variable).value_name(value)
    };
    command
        .arg(what)
        .args(api_args::reading())
        .arg(api_args::token())
        .arg(
            Arg::new("detach")
                .long("detach")
                .action(ArgAction::SetTrue)
                .help("Do not wait for the worker to end it"),
        )
        .after_help(HELP)
        .arg(
            setting("name", "MESHWORKER_NAME", "NAME")
                .help("The cluster, as its workers call it, from here [default: the service]"),
        )
        .arg(
            setting("workers", "MESHWORKER_WORKERS", "NAME")
                .default_value("meshworker")
                .help("The DNS name of the workers' service, or an address, from here"),
        )
        .arg(
            setting("workers-port", "MESHWORKER_WORKERS_PORT", "PORT")
                .default_value("4747")
                .help("The port that the workers listen on, from here"),
        )
        .arg(
            setting("token-file", "MESHWORKER_TOKEN_FILE", "FILE")
                .help("The file that holds the token which workers and members share, from here"),
        )
        .arg(
            setting("network", "MESHWORKER_NETWORK", "NAME").help(
                "The network that members and workers share [default: the service's only one]",
            ),
        )
        .arg(
            setting("timeout", "MESHWORKER_SCALE_TIMEOUT", "SECONDS")
                .default_value("3600")
                .help("How long it may take in all"),
        )
        .args(logging::args())
}

/// Runs `meshworker scale`.
pub fn scale(args: &ArgMatches) -> Result<(), Failed> {
    let text = text(args, "service");
    let split = text.split_once('=');
    let wish = split.and_then(|(service, goal)| Some((service, goal.parse::<u64>().ok()?)));
    let Some((service, goal)) = wish.filter(|(service, _)| !service.is_empty()) else {
        return Err(Failed::Input(format!(
            "SERVICE=N: found '{text}'; allowed: a service's full name and a number, such as cache_redis=3"
        )));
    };
    if let Some(remote) = remote(args, service)? {
        return remote.scale(goal);
    }
    let mut scale = prepare(args, service)?;
    done(runtime()?.block_on(scale.to(goal)))
}

/// Runs `meshworker drain`.
pub fn drain(args: &ArgMatches) -> Result<(), Failed> {
    let text = text(args, "member");
    let refused =
        |allowed: &str| Failed::Input(format!("MEMBER: found '{text}'; allowed: {allowed}"));
    let (service, from_here) = match member_in_slot(&text) {
        _ if is_short(&text) => ("", None),
        None => {
            let allowed = "SERVICE.SLOT, such as cache_redis.3, its slot's number, or its address";
            return Err(refused(allowed));
        }
        member => (
            text.rsplit_once('.').map_or("", |(service, _)| service),
            member,
        ),
    };
    if let Some(remote) = remote(args, service)? {
        return remote.drain(text, given(args, "who"), given(args, "why"));
    }
    // Here nobody is asked who has that slot or address.
    let member =
        from_here.ok_or_else(|| refused("from here SERVICE.SLOT, such as cache_redis.3"))?;
    let mut scale = prepare(args, service)?;
    done(runtime()?.block_on(scale.drain(&member)))
}

fn prepare(args: &ArgMatches, service: &str) -> Result<Scale, Failed> {
    let given = |name: &str| given(args, name);
    let port = given("workers-port").unwrap_or_default();
    let port = port_number(&port)
        .ok_or_else(|| Failed::Input(format!("workers-port: found '{port}'; allowed: {PORT}")))?;
    let name = given("workers").unwrap_or_else(|| "meshworker".into());
    let workers = Workers::new(&name, port)
        .map_err(|why| Failed::Input(format!("workers: found '{name}': {why}")))?;
    let token = given("token-file").ok_or_else(|| {
        Failed::Input("token-file: found nothing; allowed: a file that holds the token".into())
    })?;
    let token = TokenFile::new(token);
    token
        .read()
        .map_err(|why| Failed::Input(format!("token-file: {why}")))?;
    let timeout = seconds(args, "timeout")?;
    let through = match Surroundings::here().namespace.is_some() {
        true => Orchestrator::Kubernetes(KubernetesClient::shared().map_err(Failed::input)?),
        false => {
            let client = DockerClient::shared().map_err(Failed::input)?;
            Orchestrator::Docker(client, given("network"))
        }
    };
    let wish = Wish {
        cluster: given("name").unwrap_or_else(|| service.to_owned()),
        workers,
        client: Client::new(token, None),
    };
    logging::start(args);
    Ok(Scale::new(&through, service, wish, timeout))
}

/// A worker that is to do it; none when it is to be done from here.
fn remote(args: &ArgMatches, service: &str) -> Result<Option<Remote>, Failed> {
    let told = api_args::given(args, "api").is_some();
    if !told && api_args::given(args, "token-file").is_some() {
        return Ok(None);
    }
    Ok(Some(Remote {
        api: Api::read_for_act(args)?,
        service: service.to_owned(),
        timeout: seconds(args, "timeout")?,
        detach: flag(args, "detach"),
    }))
}

fn text(args: &ArgMatches, name: &str) -> String {
    args.get_one::<String>(name).cloned().unwrap_or_default()
}

fn done(result: Result<(), Stuck>) -> Result<(), Failed> {
    result.map_err(|stuck| match stuck {
        Stuck::NoMember { .. } => Failed::Input(stuck.to_string()),
        Stuck::InVain(_) | Stuck::TimedOut(_) => Failed::Goal(stuck.to_string()),
    })
}
