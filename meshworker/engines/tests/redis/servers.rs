//! Real Redis servers, each at its own loopback address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use meshworker_conformance::{Driver, World};
use meshworker_engines::redis::Redis;
use meshworker_engines::{Access, Engine, SecretFile, Tls};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep};

/// All nodes of a cluster have the same port, as the replicas of a service do.
pub const PORT: u16 = 7000;

/// How many records a scenario writes: some for each pass that slots move in.
const RECORDS: usize = 2000;

/// How many tests have servers at the same time: on a busy machine more of
/// them would miss each other's pings.
static SEATS: Semaphore = Semaphore::const_new(2);

/// Real Redis servers; killed when dropped.
pub struct Servers {
    dir: TempDir,
    running: BTreeMap<IpAddr, Server>,
    stopped: BTreeMap<IpAddr, PathBuf>,
    started: usize,
    /// How the engine reaches them.
    pub access: Access,
    /// Further lines of their configuration.
    pub config: Vec<String>,
    /// The name of the cluster in the host names that they announce.
    pub announced: Option<String>,
    _seat: SemaphorePermit<'static>,
}

struct Server {
    process: Child,
    dir: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Servers {
    /// Servers without password and encryption; none, with a word on standard
    /// error, when there is no `redis-server`.
    pub async fn plain() -> Option<Servers> {
        let version = server().arg("--version").output();
        if !version.is_ok_and(|output| output.status.success()) {
            eprintln!("SKIPPED: redis-server is not installed (Debian: apt install redis-tools)");
            return None;
        }
        let seat = SEATS.acquire().await.unwrap();
        let options = Redis::DESCRIPTOR.complete(&BTreeMap::new()).unwrap();
        Some(Servers {
            dir: tempfile::tempdir().unwrap(),
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
                deadline: Duration::from_millis(1500),
                options,
            },
            config: Vec::new(),
            announced: None,
            _seat: seat,
        })
    }

    /// As [`Servers::plain`], with so many replicas for each master.
    pub async fn with_replicas(replicas: usize) -> Option<Servers> {
        let mut servers = Servers::plain().await?;
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
    }

    /// Servers speak TLS only, to each other as well; certificates are made
    /// with openssl for the name `node.test`.
    pub fn set_tls(&mut self) {
        let dir = self.dir.path().to_owned();
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
        let path = |name: &str| dir.join(name);
        self.config = vec![
            "port 0".into(),
            format!("tls-port {PORT}"),
            "tls-cluster yes".into(),
            "tls-replication yes".into(),
            format!("tls-ca-cert-file {}", path("ca.pem").display()),
            format!("tls-cert-file {}", path("node.pem").display()),
            format!("tls-key-file {}", path("node.key").display()),
        ];
        self.access.tls = Some(Tls {
            ca_file: Some(path("ca.pem")),
            client: Some((path("node.pem"), path("node.key"))),
            server_name: Some("node.test".into()),
        });
    }

    /// Starts one server, in this directory or a new one, and waits until it
    /// listens.
    pub async fn start_one(&mut self, kept: Option<PathBuf>) -> IpAddr {
        let address = self.spare_address();
        let dir = kept.unwrap_or_else(|| self.dir.path().join((self.started + 1).to_string()));
        self.start_at(address, dir).await;
        address
    }

    /// Ends the server at this address at once, and returns its directory.
    pub fn stop(&mut self, address: IpAddr) -> PathBuf {
        self.running.remove(&address).unwrap().dir.clone()
    }

    /// Starts one server at this address, in this directory, and waits until it
    /// listens.
    pub async fn start_at(&mut self, address: IpAddr, dir: PathBuf) {
        self.started += 1;
        let number = self.started;
        std::fs::create_dir_all(&dir).unwrap();
        let mut config = vec![
            format!("port {PORT}"),
            format!("bind {address}"),
            // As in a container, which has one address only.
            format!("bind-source-addr {address}"),
            // Loopback addresses other than 127.0.0.1 count as the outside.
            "protected-mode no".into(),
            "cluster-enabled yes".into(),
            "cluster-config-file nodes.conf".into(),
            "cluster-node-timeout 2000".into(),
            "save \"\"".into(),
            "appendonly yes".into(),
            "appendfsync no".into(),
            "repl-diskless-sync-delay 0".into(),
        ];
        if let Some(name) = &self.announced {
            config.push(format!("cluster-announce-hostname {name}.{number}"));
        }
        config.extend(self.config.iter().cloned());
        let file = dir.join("redis.conf");
        std::fs::write(&file, config.join("\n")).unwrap();
        let log = std::fs::File::create(dir.join("log")).unwrap();
        let process = server()
            .arg(&file)
            .current_dir(&dir)
            .stdout(log)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.running.insert(address, Server { process, dir });
        let begin = Instant::now();
        while tokio::net::TcpStream::connect((address, PORT))
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

    /// What a server wrote.
    pub fn log(&self, address: IpAddr) -> String {
        let server = &self.running[&address];
        std::fs::read_to_string(server.dir.join("log")).unwrap_or_default()
    }

    /// Sends one command by `redis-cli`, in cluster mode, and returns what it
    /// prints.
    pub fn cli(&self, address: IpAddr, command: &str, input: &str) -> String {
        use std::io::Write;
        let mut cli = Command::new("redis-cli")
            .args(["-c", "-h", &address.to_string(), "-p", &PORT.to_string()])
            .args(command.split_ascii_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = cli.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || {
            let _ = stdin.write_all(input.as_bytes());
        });
        let output = cli.wait_with_output().unwrap();
        writer.join().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl World for Servers {
    type Engine = Redis;

    fn engine(&self) -> Redis {
        Redis::new(self.access.clone())
    }

    fn service_port(&self) -> u16 {
        PORT
    }

    fn spare_address(&mut self) -> IpAddr {
        // Tests may run in one process or in one each, so the process has a say.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let process = std::process::id();
        loop {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            let octets = [
                127,
                64 + (process % 128) as u8,
                (process / 128 % 128) as u8 + (next / 250 % 100) as u8,
                (next % 250) as u8 + 1,
            ];
            let address = Ipv4Addr::from(octets);
            if TcpListener::bind((address, PORT)).is_ok() {
                return IpAddr::V4(address);
            }
        }
    }

    async fn start(&mut self, count: usize) -> Vec<IpAddr> {
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(self.start_one(None).await);
        }
        nodes
    }

    /// A cluster with slots of its own is foreign, whatever it is called.
    async fn start_foreign(&mut self) -> Vec<IpAddr> {
        let nodes = self.start(3).await;
        let patience = self.patience();
        let mut driver = Driver::new(self.engine());
        driver.until_one(&nodes, patience).await;
        nodes
    }

    async fn kill(&mut self, node: IpAddr) {
        let dir = self.stop(node);
        self.stopped.insert(node, dir);
    }

    async fn fill(&mut self, node: IpAddr) {
        let sets: String = (0..RECORDS)
            .map(|n| format!("SET record:{n} value:{n}\n"))
            .collect();
        let replies = self.cli(node, "", &sets);
        let written = replies.lines().filter(|reply| *reply == "OK").count();
        assert_eq!(written, RECORDS, "{replies}");
    }

    async fn lost(&mut self, node: IpAddr) -> usize {
        let gets: String = (0..RECORDS).map(|n| format!("GET record:{n}\n")).collect();
        let values = self.cli(node, "", &gets);
        let found: BTreeSet<&str> = values.lines().collect();
        let lost = (0..RECORDS).filter(|n| !found.contains(format!("value:{n}").as_str()));
        lost.count()
    }

    async fn restart_elsewhere(&mut self, nodes: &[IpAddr]) -> Option<Vec<IpAddr>> {
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
fn server() -> Command {
    let installed = Command::new("redis-server")
        .arg("--version")
        .output()
        .is_ok();
    if installed {
        return Command::new("redis-server");
    }
    let mut command = Command::new("redis-check-rdb");
    command.arg0("redis-server");
    command
}
