//! The board: what every worker of this process tells, kept for whoever asks,
//! and what operators order.
//!
//! ```text
//! worker ── Look, Facts ──> Sheet (one per cluster) ──> api, dashboard, commands
//!        <── Orders ───────┘        └──> Chronicle ──> log, history, stream
//! ```
//!
//! Whoever reads never makes a worker wait: a look is handed over whole, and
//! what it looks like to people is made when it is asked for.

mod chronicle;
mod fact;
mod look;
mod noted;
pub mod of;
mod order_book;
mod sheet;
mod since;
mod tally;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use meshworker_engines::{Alone, Mandate};
use meshworker_group::{Given, Told};

use crate::config::Cluster;
use crate::gossip::Hub;
use crate::group::{Group, Listener};
use crate::http::certificate::Certificate;
use crate::status::GroupStatus;
use crate::turned_away::Register;

pub(crate) use chronicle::EVENTS;
pub use chronicle::{Chronicle, News};
pub use fact::Fact;
pub use look::{Head, Look, Requests};
pub use noted::{Noted, Page};
pub use order_book::{NotGiven, OrderBook, Powers};
pub use sheet::Sheet;
pub use since::Since;
pub use tally::{Counts, Histogram, JOIN_SECONDS, PASS_SECONDS, Tally};

/// The sheets of all clusters of this process, by the clusters' names.
#[derive(Debug, Default)]
pub struct Board {
    sheets: Mutex<BTreeMap<String, Arc<Sheet>>>,
    chronicle: Arc<Chronicle>,
    powers: Powers,
    unproved: OnceLock<Arc<Register>>,
    certificate: OnceLock<Arc<Certificate>>,
    group: OnceLock<Group>,
    gossip: OnceLock<Arc<Hub>>,
    /// What the group has agreed on, by cluster; also for clusters that are not opened yet.
    given: Mutex<BTreeMap<String, Given>>,
}

impl Board {
    /// An empty board, of a process that may do this much.
    pub fn new(powers: Powers) -> Arc<Board> {
        Arc::new(Board {
            powers,
            ..Board::default()
        })
    }

    /// Opens the sheet of a cluster, until the registration is dropped.
    pub fn open(self: &Arc<Board>, cluster: &Cluster) -> Registration {
        let chronicle = Arc::clone(&self.chronicle);
        let sheet = Arc::new(Sheet::new(
            cluster,
            chronicle,
            self.powers,
            self.unproved.get().cloned(),
            self.group.get().cloned(),
        ));
        {
            let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
            self.lock().insert(cluster.name.clone(), Arc::clone(&sheet));
            sheet
                .orders()
                .agreed(given.get(&cluster.name).unwrap_or(&Given::default()));
        }
        Registration {
            board: Arc::clone(self),
            sheet,
        }
    }

    /// The sheet of the cluster of this name.
    pub fn sheet(&self, cluster: &str) -> Option<Arc<Sheet>> {
        self.lock().get(cluster).cloned()
    }

    /// All sheets, sorted by name.
    pub fn sheets(&self) -> Vec<Arc<Sheet>> {
        self.lock().values().cloned().collect()
    }

    /// Has shown who did not prove at the members' port that it knows the token, on
    /// every sheet that is opened from now on.
    pub fn watch_door(&self, unproved: Arc<Register>) {
        // There is one such port in a process.
        let _ = self.unproved.set(unproved);
    }

    /// Has told when this certificate is no longer valid.
    pub fn watch_certificate(&self, certificate: Arc<Certificate>) {
        // There is one such port in a process.
        let _ = self.certificate.set(certificate);
    }

    /// What is shown to operators, where there is one.
    pub fn certificate(&self) -> Option<&Arc<Certificate>> {
        self.certificate.get()
    }

    /// How many connections to the members' port proved nothing.
    pub fn unproved(&self) -> u64 {
        let unproved = self.unproved.get();
        unproved.map_or(0, |unproved| unproved.times())
    }

    /// Has orders and events agreed on in this group, on every sheet that is opened from now
    /// on.
    pub fn agree_in(&self, group: Group) {
        // A process is in one group.
        let _ = self.group.set(group);
    }

    /// Has told what this gossip router knows.
    pub fn watch_gossip(&self, hub: Arc<Hub>) {
        // A process is one router.
        let _ = self.gossip.set(hub);
    }

    /// What this process's gossip router knows, where it is one.
    pub fn gossip(&self) -> Option<&Arc<Hub>> {
        self.gossip.get()
    }

    /// The group of workers that this process is in; none of one that works alone.
    pub fn group(&self) -> Option<&Group> {
        self.group.get()
    }

    /// How the workers stand, as this one sees it. One that works alone is in no group, and
    /// acts.
    pub fn group_status(&self) -> Arc<GroupStatus> {
        let alone = || {
            Arc::new(GroupStatus {
                acts: true,
                ..GroupStatus::default()
            })
        };
        self.group().map_or_else(alone, Group::status)
    }

    /// Whether this process may act on a cluster.
    pub fn mandate(&self, cluster: &str) -> Arc<dyn Mandate> {
        match self.group.get() {
            Some(group) => group.mandate(cluster),
            None => Arc::new(Alone),
        }
    }

    /// What has happened.
    pub fn chronicle(&self) -> &Arc<Chronicle> {
        &self.chronicle
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Sheet>>> {
        // One call changes one entry: nothing can be half done.
        self.sheets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Board {
    fn ordered(&self, given: &BTreeMap<String, Given>) {
        let mut known = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == *given {
            return;
        }
        known.clone_from(given);
        for sheet in self.sheets() {
            sheet.agreed(given.get(sheet.name()).unwrap_or(&Given::default()));
        }
    }

    fn told(&self, number: u64, told: &Told) {
        self.chronicle.agreed(number, told);
    }

    fn begins_anew(&self) {
        self.chronicle.begin_anew();
    }
}

/// A cluster's sheet is open for as long as this lives.
#[derive(Debug)]
pub struct Registration {
    board: Arc<Board>,
    sheet: Arc<Sheet>,
}

impl Registration {
    /// The sheet.
    pub fn sheet(&self) -> &Arc<Sheet> {
        &self.sheet
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut sheets = self.board.lock();
        let mine = |sheet: &Arc<Sheet>| Arc::ptr_eq(sheet, &self.sheet);
        if sheets.get(self.sheet.name()).is_some_and(mine) {
            sheets.remove(self.sheet.name());
        }
    }
}
