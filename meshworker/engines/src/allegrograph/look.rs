//! One look: what a server says of itself, of the repository, and of its cluster.

use meshworker_core::{Answer, Figure, Holdings, Peer, Place, Role, Told, Unanswered, View};

use super::client::{Client, Reply, Talk};
use super::detail::{Detail, Instance, Repository, State};
use super::growing::Growing;
use super::wire;

/// The controlling instance, to which clients that know no other go.
const CONTROLLING: Role = Role::primary("controlling");

/// One that has all data, and is written to as well.
const COPY: Role = Role::of("copy");

/// One that gets its data.
const COPYING: Role = Role::idle("copying");

/// One that is in no cluster.
const OUTSIDE: Role = Role::idle("outside");

/// So much of a status is kept for people, in bytes.
const RAW: usize = 2000;

/// Asks the server here.
///
/// # Errors
///
/// Why it gave no view.
pub async fn look(client: &Client, growing: &Growing, at: Place) -> Answer<Detail> {
    let mut talk = client.talk(at, client.access().deadline).await?;
    let mut seen = seen(&mut talk, client).await?;
    let usual = client.access().service_port;
    seen.own = whose(&seen.detail.instances, at, usual);
    if let (Some(own), Some(controlling)) = (&seen.own, seen.detail.controlling())
        && *own == controlling.name
    {
        growing.is_in(|name| seen.detail.instance(name).is_some());
    }
    seen.detail.growing = growing.now();
    seen.detail.taken_out = growing.taken_out_at(at);
    if seen.detail.repository == Repository::Member {
        let size = talk.get(&client.path("/size")).await;
        let size = size.ok().filter(Reply::is_success);
        seen.statements = size.and_then(|reply| reply.body.trim().parse().ok());
    }
    Ok(seen.view(at, usual))
}

/// What a look found.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) detail: Detail,
    pub(super) statements: Option<u64>,
    /// The name under which the cluster lists this server.
    pub(super) own: Option<String>,
}

/// The version, whether the repository is there, and its cluster's status.
pub(super) async fn seen(talk: &mut Talk<'_>, client: &Client) -> Result<Seen, Unanswered> {
    let version = success(talk.get("/version").await?)?;
    let list = success(talk.get("/repositories").await?)?;
    let status = talk.get(&client.path("/repl/status")).await?;
    if matches!(status.status, 401 | 403) {
        return Err(status.unanswered());
    }
    let mut seen = Seen::of(&version, wire::lists(&list, client.repository()), &status);
    // Once more: what was written in another way is plain by now.
    let login = client.login().ok().flatten();
    let hide = |text: &mut String| {
        if let Some(login) = &login {
            *text = login.kept_out_of(std::mem::take(text));
        }
    };
    seen.detail.raw.iter_mut().for_each(&hide);
    let instances = seen.detail.instances.iter().cloned();
    let instances = instances.map(|mut instance| {
        hide(&mut instance.name);
        instance.host.iter_mut().for_each(&hide);
        if let State::Other(word) = &mut instance.state {
            hide(word);
        }
        instance
    });
    seen.detail.instances = instances.collect();
    Ok(seen)
}

fn success(reply: Reply) -> Result<String, Unanswered> {
    match reply.is_success() {
        true => Ok(reply.body),
        false => Err(reply.unanswered()),
    }
}

impl Seen {
    /// From the version, whether the repository is listed, and the reply to the question for its status.
    pub(super) fn of(version: &str, listed: Option<bool>, status: &Reply) -> Seen {
        let instances = wire::instances(&status.body).filter(|_| status.is_success());
        let refused = (400..500).contains(&status.status);
        let words = || status.words();
        let repository = match (listed, &instances) {
            (_, Some(_)) => Repository::Member,
            (Some(false), _) if refused => Repository::None,
            (Some(true), _) if refused && wire::says_taken_out(&status.body) => {
                Repository::TakenOut(words())
            }
            (Some(true), _) if refused => Repository::Alone(words()),
            _ => Repository::Unsure(words()),
        };
        let raw = wire::without_secrets(status.body.trim());
        let raw = Told::<RAW>::from(&*raw).into_string();
        let version = Told::<32>::from(version.trim().trim_matches('"')).into_string();
        Seen {
            detail: Detail {
                version: Some(version).filter(|version| !version.is_empty()),
                repository,
                instances: instances.unwrap_or_default().into(),
                raw: Some(raw).filter(|raw| !raw.is_empty()),
                growing: Vec::new(),
                taken_out: None,
            },
            ..Seen::default()
        }
    }

    /// All of it as a view.
    pub(super) fn view(self, at: Place, usual: u16) -> View<Detail> {
        let Seen {
            detail,
            statements,
            own,
        } = self;
        let me = own.as_deref().and_then(|name| detail.instance(name));
        let controls = me.is_some_and(|me| detail.controlling() == Some(me));
        let (role, working) = match (me, &detail.repository) {
            (Some(_), _) if controls => (CONTROLLING, None),
            (Some(me), _) if me.state == State::Copying => {
                (COPYING, Some("its data is being copied".to_owned()))
            }
            // What is not said has to show.
            (Some(me), _)
                if matches!(me.state, State::Unsaid | State::Other(_)) && statements.is_none() =>
            {
                let why = "it does not say that it has all data, nor how much it has";
                (COPYING, Some(why.to_owned()))
            }
            (Some(_), _) => (COPY, None),
            // Which of the instances it is, nobody can tell.
            (None, Repository::Member) => (COPY, None),
            (None, _) => (OUTSIDE, Some("it is in no cluster yet".to_owned())),
        };
        let peers = detail.instances.iter().map(|instance| Peer {
            node: instance.name.clone(),
            address: instance.place(usual),
            alive: instance.state == State::Up,
        });
        let mut peers: Vec<Peer> = peers.collect();
        peers.sort();
        let figures = statements.map(|count| Figure::count("statements", count));
        View {
            node: own.unwrap_or_else(|| at.socket(usual).to_string()),
            cluster_name: None,
            role: Some(role),
            size: peers.len(),
            peers: peers.into(),
            working,
            holdings: Holdings {
                figures: figures.into_iter().collect(),
                ..Holdings::default()
            },
            detail,
        }
    }
}

/// Which of these instances is here: the one that says so, or is at this address and not down,
/// since whoever answers is not: addresses are given anew. Where a single one is known by a
/// name, which may lead anywhere, and no other is here, it is that.
pub(super) fn whose(instances: &[Instance], at: Place, usual: u16) -> Option<String> {
    let here = |instance: &&Instance| {
        instance.own || instance.place(usual) == Some(at) && instance.state != State::Down
    };
    if let Some(own) = instances.iter().find(here) {
        return Some(own.name.clone());
    }
    let mut named = instances.iter().filter(|one| one.may_be_anywhere());
    let only = named.next().filter(|_| named.next().is_none())?;
    let port = only.port.unwrap_or(usual);
    (only.host.is_some() && port == at.port(usual)).then(|| only.name.clone())
}
