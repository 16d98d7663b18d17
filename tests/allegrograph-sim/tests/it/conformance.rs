//! The suite that every engine must pass, on simulated servers of two services.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aerospike_sim::testing::{Loopback, Process};
use meshworker_conformance::{Driver, World, conformance};
use meshworker_core::{MemberId, Place, Sighting, Witness};
use meshworker_engines::allegrograph::Allegrograph;
use meshworker_engines::{Access, Engine, SecretFile};
use tempfile::TempDir;

use crate::client::{self, PASSWORD, PORT, USER};

/// So many statements are written by a test that counts them.
const STATEMENTS: usize = 20;

/// Who is where: what their supervisors announce, as long as they live.
type Replicas = Arc<Mutex<BTreeMap<Place, (&'static str, u64)>>>;

struct Servers {
    folder: TempDir,
    block: Loopback,
    next: u16,
    /// How many clusters have been begun: each has names of its own.
    clusters: u64,
    /// The one that members of [`World::start`] come to, once it is begun.
    own: Option<u64>,
    /// How many replicas each cluster's services have had.
    begun: BTreeMap<(u64, &'static str), u64>,
    replicas: Replicas,
    processes: BTreeMap<Place, Process>,
}

impl Servers {
    fn new() -> Servers {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), format!("{PASSWORD}\n")).unwrap();
        Servers {
            folder,
            block: Loopback::claim().unwrap(),
            next: 0,
            clusters: 0,
            own: None,
            begun: BTreeMap::new(),
            replicas: Replicas::default(),
            processes: BTreeMap::new(),
        }
    }

    fn engine_within(&self, deadline: Duration) -> Allegrograph {
        let options = [("controlling-host".to_owned(), "agraph".to_owned())];
        Allegrograph::new(Access {
            port: PORT,
            service_port: PORT,
            cluster_name: None,
            user: Some(USER.into()),
            password: Some(SecretFile::new(self.folder.path().join("password"))),
            tls: None,
            deadline,
            options: Allegrograph::DESCRIPTOR.complete(&options.into()).unwrap(),
        })
    }

    /// A fresh server of this cluster.
    async fn begin(&mut self, service: &'static str, cluster: u64) -> Place {
        let place = self.spare_address();
        let folder = self.folder.path();
        let hosts = folder.join(format!("hosts-{cluster}"));
        if service == "controlling" {
            std::fs::write(&hosts, format!("{} agraph\n", place.address)).unwrap();
        }
        let own = folder.join(place.address.to_string());
        let program = env!("CARGO_BIN_EXE_allegrograph-sim");
        let with_folders = |command: &mut Command| {
            command.arg("--data").arg(own.join("rootcatalog"));
            command.arg("--settings").arg(own.join("settings"));
        };
        let mut install = Command::new(program);
        with_folders(&mut install);
        install.arg("--install").arg(folder.join("password"));
        assert!(install.status().unwrap().success());
        let process = Process::start(program, |command| {
            with_folders(command);
            command
                .arg("--listen")
                .arg(format!("{}:{PORT}", place.address));
            command.arg("--hosts").arg(hosts).stdin(Stdio::null());
        });
        self.processes.insert(place, process.unwrap());
        // No slot twice, in whichever cluster.
        let count = self.begun.entry((cluster, service)).or_default();
        *count += 1;
        let own = (service, 100 * (cluster - 1) + *count);
        self.replicas.lock().unwrap().insert(place, own);
        client::until_up(place.address).await;
        place
    }

    /// So many servers of a new cluster: one of the service that controls, and copies.
    async fn begin_all(&mut self, count: usize) -> Vec<Place> {
        self.clusters += 1;
        let mut places = vec![self.begin("controlling", self.clusters).await];
        for _ in 1..count {
            places.push(self.begin("copy", self.clusters).await);
        }
        places
    }
}

impl World for Servers {
    type Engine = Allegrograph;

    fn engine(&self) -> Allegrograph {
        self.engine_within(Duration::from_secs(5))
    }

    fn hasty_engine(&self) -> Allegrograph {
        self.engine_within(Duration::from_millis(1500))
    }

    /// The name server tells services apart; supervisors say who they are.
    fn driver(&self, engine: Allegrograph) -> Driver<Allegrograph> {
        let replicas = Arc::clone(&self.replicas);
        Driver::new(engine).that_knows(move |witness, at| {
            let own = replicas.lock().unwrap().get(&at).copied();
            let part = own.map(|(service, _)| format!("db_{service}"));
            let bare = Sighting {
                part: part.clone(),
                ..Sighting::at(at)
            };
            if witness == Witness::Dns {
                return Some(bare);
            }
            let (_, slot) = own?;
            Some(Sighting {
                member: Some(MemberId::Slot {
                    service: part?,
                    slot,
                }),
                task: Some(format!("t{slot}")),
                ..bare
            })
        })
    }

    /// Whoever is not heard may know of one.
    fn begins_among_strangers(&self) -> bool {
        false
    }

    fn service_port(&self) -> u16 {
        PORT
    }

    fn spare_address(&mut self) -> Place {
        self.next += 1;
        Place::at(self.block.address(self.next))
    }

    async fn start(&mut self, count: usize) -> Vec<Place> {
        let Some(own) = self.own else {
            let places = self.begin_all(count).await;
            self.own = Some(self.clusters);
            return places;
        };
        let mut places = Vec::new();
        for _ in 0..count {
            places.push(self.begin("copy", own).await);
        }
        places
    }

    async fn start_foreign(&mut self) -> Vec<Place> {
        let places = self.begin_all(2).await;
        let mut driver = self.driver(self.engine());
        driver.until_one(&places, self.patience()).await;
        places
    }

    async fn kill(&mut self, node: Place) {
        self.replicas.lock().unwrap().remove(&node);
        self.processes.remove(&node);
    }

    async fn fill(&mut self, node: Place) {
        for number in 0..STATEMENTS {
            let text = format!("<s{number}> <p> \"{number}\" .");
            let path = "/repositories/main/statements";
            let reply = client::ask(node.address, "POST", path, &text).await;
            assert!(reply.is_some_and(|(status, _)| status == 204));
        }
    }

    async fn lost(&mut self, node: Place) -> usize {
        let read = client::get(node.address, "/repositories/main/statements").await;
        let (_, text) = read.unwrap();
        let have: BTreeSet<&str> = text.lines().collect();
        STATEMENTS - have.len()
    }

    // Copies keep nothing; where the controlling one is, a name says.
    async fn restart_elsewhere(&mut self, _: &[Place]) -> Option<Vec<Place>> {
        None
    }
}

conformance!(Some(Servers::new()));

// There is no floor beneath the copies: each has all data.
conformance!(@each Some(Servers::new()), leaving;
    lets_a_member_go_that_asks
    lets_members_go_that_ask_at_once
    lets_all_go_together_when_everybody_goes
);
