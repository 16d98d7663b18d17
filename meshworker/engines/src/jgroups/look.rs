//! One look at one member: a probe, and what the group's routers and tables say.

use std::sync::Arc;
use std::time::Duration;

use meshworker_core::{Answer, Figure, Holdings, Peer, Place, Role, Unanswered, View};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::detail::{Detail, Registered};
use super::probe::{self, Said};
use super::rows::{Row, Rows};
use super::since::Since;
use super::{NONE, ROUTERS, routers};
use crate::{Access, Failure};

const COORDINATOR: Role = Role::of("coordinator");
const MEMBER: Role = Role::of("member");
const ALONE: Role = Role::idle("in no view");

/// All members of one pass are told the same of routers and tables.
const FRESH: Duration = Duration::from_millis(400);

/// How members of a group are asked, and their tables read.
pub struct Looks {
    access: Access,
    rows: Rows,
    since: Since,
    around: Mutex<Option<(Instant, String, Around)>>,
}

/// What is known of a group besides its members' words.
#[derive(Debug, Clone, Default)]
pub struct Around {
    pub registered: Option<Arc<[Registered]>>,
    pub rows: Option<Arc<[Row]>>,
    pub unread: Vec<String>,
}

impl Looks {
    pub fn new(access: Access) -> Looks {
        Looks {
            rows: Rows::new(&access),
            access,
            since: Since::default(),
            around: Mutex::default(),
        }
    }

    /// Asks the member here what it sees; where it may not be asked, its router.
    ///
    /// # Errors
    ///
    /// Nobody knows it.
    pub async fn look(&self, at: Place) -> Answer<Detail> {
        let deadline = Instant::now() + self.access.deadline;
        // Where several are on one host they are told apart by the port that others reach
        // them at, and all but one are asked at another one than is known here.
        let socket = Place::at(at.address).socket(self.access.service_port);
        match probe::ask(&self.access, socket, deadline).await {
            Ok(said) => {
                if let Some(expected) = &self.access.cluster_name
                    && *expected != said.group
                {
                    return Err(Unanswered::Garbage(format!(
                        "a member of group '{}', not '{expected}'",
                        said.group
                    )));
                }
                let around = self.around(&said.group, deadline).await;
                let lasts = self.since.note(at, said.view.as_ref());
                Ok(view(said, at, around, lasts, self.access.port))
            }
            Err(why) => {
                let Some(group) = self.access.cluster_name.clone() else {
                    return Err(why);
                };
                let around = self.around(&group, deadline).await;
                let its = around.registered.as_deref().unwrap_or_default();
                let its = its.iter().find(|one| one.place == Some(at)).cloned();
                its.map(|own| known(own, &group, around)).ok_or(why)
            }
        }
    }

    /// Removes a row, if it is still the same.
    ///
    /// # Errors
    ///
    /// The table cannot be changed.
    pub async fn remove(&self, row: &Row) -> Result<String, Failure> {
        let deadline = Instant::now() + self.access.deadline;
        self.rows.remove(row, deadline).await
    }

    async fn around(&self, group: &str, deadline: Instant) -> Around {
        let mut kept = self.around.lock().await;
        if let Some((when, of, around)) = &*kept
            && of == group
            && when.elapsed() < FRESH
        {
            return around.clone();
        }
        let router = self
            .access
            .options
            .get(ROUTERS)
            .map_or(NONE, String::as_str);
        let (registered, rows) = tokio::join!(
            routers::ask(router, group, deadline),
            self.rows.read(group, deadline),
        );
        let mut around = Around::default();
        match registered {
            Ok(registered) => around.registered = registered,
            Err(why) => around.unread.push(why),
        }
        match rows {
            Ok(rows) => around.rows = rows.map(Into::into),
            Err(why) => around.unread.push(why),
        }
        *kept = Some((Instant::now(), group.to_owned(), around.clone()));
        around
    }
}

/// The view of a member that only a router knows.
fn known(own: Registered, group: &str, around: Around) -> View<Detail> {
    View {
        peers: Arc::from([Peer {
            node: own.node.clone(),
            address: own.place,
            alive: true,
        }]),
        node: own.node,
        cluster_name: Some(group.to_owned()),
        role: None,
        size: 0,
        working: None,
        holdings: Holdings::default(),
        detail: Detail {
            name: own.name,
            version: String::new(),
            view: None,
            members: Vec::new(),
            coordinates: false,
            lasts: Duration::ZERO,
            speaks: false,
            registered: around.registered,
            rows: around.rows,
            unread: around.unread,
        },
    }
}

/// The view of a member that has said this.
pub fn view(said: Said, at: Place, around: Around, lasts: Duration, usual: u16) -> View<Detail> {
    let place = |socket: std::net::SocketAddr| Place::new(socket.ip(), socket.port(), usual);
    // A name may have been another member's before: the one that is not forgotten is meant.
    let who = |name: &str| {
        let mut named = said.known.iter().filter(|known| known.name == name);
        let mut of_two = named.clone().filter(|known| !known.removable);
        of_two.next_back().or_else(|| named.next_back())
    };
    let own = said.known.iter().find(|known| {
        known.name == said.name && known.at.is_some() && known.at == said.at && !known.removable
    });
    let own = own.or_else(|| who(&said.name));
    let node = own.map_or_else(|| said.name.clone(), |own| own.uuid.clone());
    let others = said.members.iter().filter(|name| **name != said.name);
    let others = others.map(|name| match who(name) {
        Some(known) => Peer {
            node: known.uuid.clone(),
            address: known.at.map(place),
            alive: true,
        },
        None => Peer {
            node: name.clone(),
            address: None,
            alive: true,
        },
    });
    let mut peers: Vec<Peer> = others
        .chain([Peer {
            node: node.clone(),
            address: Some(at),
            alive: true,
        }])
        .collect();
    peers.sort();
    peers.dedup();
    let role = match (&said.view, said.coordinates) {
        (None, _) => ALONE,
        (Some(_), true) => COORDINATOR,
        (Some(_), false) => MEMBER,
    };
    let figures = said
        .view
        .as_ref()
        .map(|view| Figure::count("view", view.id));
    View {
        node,
        cluster_name: Some(said.group),
        role: Some(role),
        size: said.size,
        peers: peers.into(),
        working: None,
        holdings: Holdings {
            figures: figures.into_iter().collect(),
            ..Holdings::default()
        },
        detail: Detail {
            name: said.name,
            version: said.version,
            view: said.view,
            members: said.members,
            coordinates: said.coordinates,
            lasts,
            speaks: true,
            registered: around.registered,
            rows: around.rows,
            unread: around.unread,
        },
    }
}
