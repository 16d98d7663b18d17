//! Real Redis servers, each at its own loopback address.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use aerospike_sim::testing::{Loopback, Process, called, installed};
use meshworker_conformance::{Driver, World};
use meshworker_engines::redis::Redis;
use meshworker_engines::{Access, Engine, SecretFile, Tls};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::client::Client;
use meshworker_core::Place;

/// All nodes of a cluster have the same port, as the replicas of a service do.
pub const PORT: u16 = 7000;

/// How many records a scenario writes: some for each pass that slots move in.
const RECORDS: usize = 500;

/// After so many milliseconds of silence a server is held to be dead: long
/// enough for a busy machine, and soon enough for tests that kill one.
const NODE_TIMEOUT: u32 = 5000;

/// How long a request may take, however busy the machine is.
const DEADLINE: Duration = Duration::from_secs(10);

/// How long it may take where somebody never answers.
const HASTY_DEADLINE: Duration = Duration::from_millis(1500);

/// Real Redis servers; killed when dropped.
pub struct Servers {
    /// The server that is started.
    pub program: PathBuf,
    dir: TempDir,
    block: Loopback,
    taken: u16,
    running: BTreeMap<Place, Server>,
    stopped: BTreeMap<Place, PathBuf>,
    started: usize,
    /// How the engine reaches them.
    pub access: Access,
    /// Further lines of their configuration.
    pub config: Vec<String>,
    /// The name of the cluster in the host names that they announce.
    pub announced: Option<String>,
    password: Option<String>,
}

struct Server {
    _process: Process,
    dir: PathBuf,
}

/// Addresses that no other test uses.
fn block() -> Loopback {
    Loopback::claim().unwrap()
}

impl Servers {
    /// Servers without password and encryption; none when there is no
    /// `redis-server`.
    pub fn plain() -> Option<Servers> {
        let dir = directory();
        let Some(program) = server(dir.path()) else {
            meshworker_needs::missing("redis-server", "on Debian: apt-get install redis-tools");
            return None;
        };
        let options = Redis::DESCRIPTOR.complete(&BTreeMap::new()).unwrap();
        Some(Servers {
            program,
            dir,
            block: block(),
            taken: 0,
            running: BTreeMap::new(),
            stopped: BTreeMap::new(),
            started: 0,
            access: Access {
                port: PORT,
                service_port: PORT,
                cluster_name: None,
                user: None,
                password: None,
                tls: None,
                deadline: DEADLINE,
                options,
            },
            config: Vec::new(),
            announced: None,
            password: None,
        })
    }

    /// As [`Servers::plain`], with so many replicas for each master.
    pub fn with_replicas(replicas: usize) -> Option<Servers> {
        let mut servers = Servers::plain()?;
        let option = ("replicas-per-master".to_owned(), replicas.to_string());
        servers.access.options.extend([option]);
        Some(servers)
    }

    /// A file with this content, in the servers' directory.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Servers and engine use this password.
    pub fn set_password(&mut self, password: &str) {
        self.config = vec![
            format!("requirepass {password}"),
            format!("masterauth {password}"),
        ];
        let file = self.file("password", &format!("{password}\n"));
        self.access.password = Some(SecretFile::new(file));
        self.password = Some(password.to_owned());
    }

    /// Servers speak TLS only, to each other as well; certificates are made
    /// with openssl for the name `node.test`.
    pub fn set_tls(&mut self) {
        let files = self.certificates("");
        self.config = vec!["port 0".into(), format!("tls-port {PORT}")];
        self.config.extend(files);
        let path = |name: &str| self.dir.path().join(name);
        self.access.tls = Some(Tls {
            ca_file: Some(path("ca.pem")),
            client: Some((path("node.pem"), path("node.key"))),
            server_name: Some("node.test".into()),
        });
    }

    /// Servers show each other certificates, and clients none.
    pub fn set_bus_tls(&mut self) {
        self.set_bus_tls_of("");
    }

    /// The same, with an authority of this name.
    pub fn set_bus_tls_of(&mut self, authority: &str) {
        self.config = vec![
            format!("tls-port {}", PORT + 1),
            format!("cluster-port {}", PORT + 10_000),
        ];
        let files = self.certificates(authority);
        self.config.extend(files);
    }

    fn certificates(&self, authority: &str) -> Vec<String> {
        let dir = self.dir.path().join(authority);
        std::fs::create_dir_all(&dir).unwrap();
        let make = |arguments: &str| {
            let made = Command::new("openssl")
                .args(arguments.split(' '))
                .current_dir(&dir)
                .stderr(Stdio::null())
                .status();
            assert!(made.is_ok_and(|status| status.success()), "{arguments}");
        };
        let fresh = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        make(&format!(
            "req -x509 {fresh} -days 2 -subj /CN=ca -keyout ca.key -out ca.pem"
        ));
        make(&format!(
            "req {fresh} -subj /CN=node.test -addext subjectAltName=DNS:node.test -keyout node.key -out node.csr"
        ));
        make(
            "x509 -req -in node.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy -out node.pem",
        );
        let path = |name: &str| dir.join(name).display().to_string();
        vec![
            "tls-cluster yes".into(),
            "tls-replication yes".into(),
            format!("tls-ca-cert-file {}", path("ca.pem")),
            format!("tls-cert-file {}", path("node.pem")),
            format!("tls-key-file {}", path("node.key")),
        ]
    }

    /// Starts one server, in this directory or a new one, and waits until it
    /// listens.
    pub async fn start_one(&mut self, kept: Option<PathBuf>) -> Place {
        let address = self.spare_address();
        let dir = kept.unwrap_or_else(|| self.dir.path().join((self.started + 1).to_string()));
        self.start_at(address, dir).await;
        address
    }

    /// Starts so many servers at one address, each at a port of its own.
    pub async fn start_at_one_address(&mut self, count: u16) -> Vec<Place> {
        let address = self.spare_address().address;
        let mut places = Vec::new();
        for number in 0..count {
            let place = Place::new(address, PORT + 1 + number, PORT);
            let dir = self.dir.path().join((self.started + 1).to_string());
            self.start_at(place, dir).await;
            places.push(place);
        }
        places
    }

    /// Ends the server at this address at once, and returns its directory.
    pub fn stop(&mut self, address: Place) -> PathBuf {
        self.running.remove(&address).unwrap().dir.clone()
    }

    /// Starts one server at this address, in this directory, and waits until it
    /// listens.
    pub async fn start_at(&mut self, address: Place, dir: PathBuf) {
        self.started += 1;
        let number = self.started;
        std::fs::create_dir_all(&dir).unwrap();
        agree_on_shards(&dir);
        let mut config = vec![
            format!("port {}", address.port(PORT)),
            format!("bind {}", address.address),
            // As in a container, which has one address only.
            format!("bind-source-addr {}", address.address),
            // Loopback addresses other than 127.0.0.1 count as the outside.
            "protected-mode no".into(),
            "cluster-enabled yes".into(),
            "cluster-config-file nodes.conf".into(),
            format!("cluster-node-timeout {NODE_TIMEOUT}"),
            "save \"\"".into(),
            "appendonly yes".into(),
            "appendfsync no".into(),
            "repl-diskless-sync-delay 0".into(),
            "cluster-allow-replica-migration no".into(),
        ];
        if let Some(name) = &self.announced {
            config.push(format!("cluster-announce-hostname {name}.{number}"));
        }
        config.extend(self.config.iter().cloned());
        let file = dir.join("redis.conf");
        std::fs::write(&file, config.join("\n")).unwrap();
        let log = std::fs::File::create(dir.join("log")).unwrap();
        let process = Process::start(&self.program, |server| {
            server.arg(&file).current_dir(&dir);
            server.stdout(log).stderr(Stdio::null());
        });
        let server = Server {
            _process: process.unwrap(),
            dir,
        };
        self.running.insert(address, server);
        let begin = Instant::now();
        while tokio::net::TcpStream::connect(address.socket(PORT))
            .await
            .is_err()
        {
            assert!(
                begin.elapsed() < self.patience(),
                "redis-server does not listen:\n{}",
                self.log(address)
            );
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Where a server that runs keeps its files.
    pub fn dir(&self, address: Place) -> &Path {
        &self.running[&address].dir
    }

    /// What a server wrote.
    pub fn log(&self, address: Place) -> String {
        let server = &self.running[&address];
        std::fs::read_to_string(server.dir.join("log")).unwrap_or_default()
    }

    /// A client of a server that listens at another port, without password.
    pub fn client_at(&self, node: Place, port: u16) -> Client {
        let mut client = Client::of([node], None);
        client.port = port;
        client
    }

    /// A client that may ask all nodes, through this one at first.
    pub fn client(&self, node: Place) -> Client {
        Client::of([node], self.password.clone())
    }
}

impl World for Servers {
    type Engine = Redis;

    fn engine(&self) -> Redis {
        Redis::new(self.access.clone())
    }

    fn hasty_engine(&self) -> Redis {
        let deadline = HASTY_DEADLINE;
        Redis::new(Access {
            deadline,
            ..self.access.clone()
        })
    }

    fn service_port(&self) -> u16 {
        PORT
    }

    fn spare_address(&mut self) -> Place {
        self.taken += 1;
        self.block.address(self.taken).into()
    }

    async fn start(&mut self, count: usize) -> Vec<Place> {
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(self.start_one(None).await);
        }
        nodes
    }

    /// A cluster with slots of its own is foreign, whatever it is called.
    async fn start_foreign(&mut self) -> Vec<Place> {
        let nodes = self.start(3).await;
        let patience = self.patience();
        let mut driver = Driver::new(self.engine());
        driver.until_one(&nodes, patience).await;
        nodes
    }

    async fn kill(&mut self, node: Place) {
        let dir = self.stop(node);
        self.stopped.insert(node, dir);
    }

    async fn fill(&mut self, node: Place) {
        self.client(node).fill("record", RECORDS).await;
    }

    async fn lost(&mut self, node: Place) -> usize {
        self.client(node).missing("record", RECORDS).await
    }

    async fn restart_elsewhere(&mut self, nodes: &[Place]) -> Option<Vec<Place>> {
        let mut elsewhere = Vec::new();
        for node in nodes {
            let dir = self.stopped.remove(node);
            elsewhere.push(self.start_one(dir).await);
        }
        Some(elsewhere)
    }
}

/// The real server. Debian's redis-tools has it too, under the name of another
/// tool: one program that looks at the name it is called by. So the tests need
/// no package that would start a service.
fn server(dir: &Path) -> Option<PathBuf> {
    installed("redis-server").or_else(|| {
        let tool = installed("redis-check-rdb")?;
        Some(called("redis-server", &tool, dir).unwrap())
    })
}

/// Some servers, killed early, write a table that they refuse to read: takes out of it
/// what docs/troubleshooting.md says.
fn agree_on_shards(dir: &Path) {
    let file = dir.join("nodes.conf");
    let Ok(table) = std::fs::read_to_string(&file) else {
        return;
    };
    let mut parts = table.split(",shard-id=");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
    std::fs::write(file, rest.fold(first, |all, part| all + part)).unwrap();
}

/// In memory where there is some: a server that waits for a busy disk hears
/// nobody meanwhile.
fn directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}
