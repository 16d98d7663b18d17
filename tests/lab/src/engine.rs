//! One Docker engine in namespaces of its own.
//!
//! The process that this module starts only holds the namespaces; inside, a small shell is the init of the node's
//! process namespace and runs the engine. Killing that init ends, at once and by the kernel's hand, every process of
//! the node: engine, containerd, shims and containers. The mounts go with them, because no other process has them.

use std::fs::File;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::command::{command_line, tail};
use crate::guard;
use crate::host::Host;
use crate::network::namespace_path;
use crate::process::ProcessId;
use crate::{LabError, Result, wait_for};

/// A loaded machine of two cores with several engines that start at once needs a few seconds.
const START_DEADLINE: Duration = Duration::from_secs(300);

/// The kernel ends a namespace's processes within milliseconds; one in uninterruptible I/O may take longer.
const KILL_DEADLINE: Duration = Duration::from_secs(120);

/// Sets the node up from the inside, then stays as its init: it starts the engine and reaps orphans.
///
/// Arguments: host name, name-server file (empty: the host's), engine, its arguments.
///
/// - `/run` is the node's own: sockets of the host's containerd, locks, namespaces and pid files of an engine that
///   lost its power must not be seen, as after a real start.
/// - `/etc/docker` is the node's own, so that nodes do not share an identity or the host's settings.
const INIT: &str = r#"
set -eu
name=$1 servers=$2
shift 2
echo "$name" >/proc/sys/kernel/hostname
target=$(readlink -m /etc/resolv.conf)
cat /etc/resolv.conf >"${DOCKER_TMPDIR}/resolv.host" 2>/dev/null || :
mount -t tmpfs tmpfs /run
mkdir -p /etc/docker "$(dirname "$target")"
mount -t tmpfs tmpfs /etc/docker
[ -e "$target" ] || : >"$target"
mount --bind "${servers:-${DOCKER_TMPDIR}/resolv.host}" "$target"
"$@" &
engine=$!
while kill -0 "$engine" 2>/dev/null; do wait "$engine" || :; done
"#;

/// Where an engine runs.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// As a node of a lab, in the named network namespace.
    Node {
        namespace: String,
        /// Who is asked for names that the engine does not know. Without one it is a public server.
        name_server: Ipv4Addr,
    },
    /// In the host's network, to build images: it adds no bridge and no iptables rule.
    Host,
}

/// What an engine is started with.
#[derive(Debug, Clone)]
pub(crate) struct EngineSpec {
    /// Its directory: socket and log.
    pub dir: PathBuf,
    /// Where it keeps images, containers and volumes.
    pub data: PathBuf,
    /// The node's number, for messages.
    pub node: usize,
    /// The host name that it sees.
    pub hostname: String,
    /// Its containers' control group.
    pub control_group: String,
    pub place: Place,
}

impl EngineSpec {
    /// Where the engine listens.
    pub(crate) fn socket(&self) -> PathBuf {
        socket(&self.dir)
    }

    /// Starts the engine and tells `record` which process holds it before anything else can happen. Does not wait
    /// until it answers.
    pub(crate) fn start(&self, record: impl FnOnce(ProcessId) -> Result<()>) -> Result<ProcessId> {
        let scratch = self.dir.join("tmp");
        std::fs::create_dir_all(&scratch).map_err(LabError::file("create", &scratch))?;
        if scratch.starts_with("/run") {
            return Err(LabError::Invalid(
                "a lab cannot live under /run: set TMPDIR to another directory".into(),
            ));
        }
        // An engine that lost its power leaves its socket behind; nobody may take it for an answer.
        let _ = std::fs::remove_file(self.socket());
        let mut command = self.command()?;
        guard::while_open(|| {
            let mut child = command.spawn().map_err(|source| LabError::Start {
                command: command_line(&command),
                source,
            })?;
            let id = ProcessId::of(child.id());
            // Whoever waits for the process sees it in /proc; this thread only keeps it from staying a zombie.
            std::thread::spawn(move || child.wait());
            let id = id.ok_or_else(|| self.ended())?;
            record(id).inspect_err(|_| id.kill())?;
            Ok(id)
        })
    }

    /// Waits until the engine answers.
    pub(crate) fn wait_ready(&self, id: ProcessId) -> Result<()> {
        let socket = self.socket();
        let what = format!("the engine of node {} to answer", self.node);
        wait_for(what, START_DEADLINE, || {
            if answers(&socket) {
                Ok(Ok(()))
            } else if id.is_running() {
                Err(format!("no answer yet; log: {}", log_tail(&self.dir)))
            } else {
                Ok(Err(self.ended()))
            }
        })?
    }

    fn ended(&self) -> LabError {
        LabError::EngineEnded {
            node: self.node,
            log: log_tail(&self.dir),
        }
    }

    fn command(&self) -> Result<Command> {
        let log = self.dir.join("log");
        let log = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(LabError::file("open", &log))?;
        let log_too = log
            .try_clone()
            .map_err(LabError::file("open", self.dir.join("log")))?;
        let mut command = match &self.place {
            Place::Node { namespace, .. } => {
                // Not `ip netns exec`, which mounts a new /sys and so hides the control groups.
                let mut command = Command::new("nsenter");
                command
                    .arg(format!("--net={}", namespace_path(namespace).display()))
                    .arg("unshare");
                command
            }
            Place::Host => Command::new("unshare"),
        };
        command
            .args(["--mount", "--uts", "--pid", "--fork"])
            .args(["--kill-child=SIGKILL", "--mount-proc", "--"])
            .args(["sh", "-c", INIT, "node", &self.hostname])
            .arg(self.name_servers()?)
            .arg(Host::program("dockerd")?)
            .args(self.engine_arguments())
            .env("DOCKER_TMPDIR", self.dir.join("tmp"))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(log_too)
            // An interrupt typed at the terminal is for the lab's owner, who then removes the nodes.
            .process_group(0);
        Ok(command)
    }

    /// The file with the engine's own name servers; empty for the host's. A node has one that refuses at once: an
    /// unreachable one would let every use of a local image first wait for a registry.
    fn name_servers(&self) -> Result<PathBuf> {
        match self.place {
            Place::Host => Ok(PathBuf::new()),
            Place::Node { .. } => {
                let file = self.dir.join("resolv.conf");
                std::fs::write(&file, "nameserver 127.0.0.1\n")
                    .map_err(LabError::file("write", &file))?;
                Ok(file)
            }
        }
    }

    fn engine_arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            format!("--host=unix://{}", self.socket().display()),
            format!("--data-root={}", self.data.display()),
            format!("--cgroup-parent=/{}", self.control_group),
            // The other driver asks systemd, which a node does not see.
            "--exec-opt=native.cgroupdriver=cgroupfs".to_owned(),
        ];
        match &self.place {
            Place::Node { name_server, .. } => arguments.push(format!("--dns={name_server}")),
            Place::Host => arguments.extend(
                [
                    "--bridge=none",
                    "--iptables=false",
                    "--ip-forward=false",
                    "--ip-masq=false",
                ]
                .map(String::from),
            ),
        }
        arguments
    }
}

/// Ends an engine and everything that runs under it, as a loss of power would.
pub(crate) fn kill(id: ProcessId) -> Result<()> {
    // The holder ends by itself when its child, the init, is gone; and the init is gone only after all the others.
    let inits = id.children();
    if inits.is_empty() {
        id.kill();
    }
    for init in inits {
        init.kill();
    }
    id.wait_gone(KILL_DEADLINE)
}

/// Where the engine in this directory listens.
pub(crate) fn socket(dir: &Path) -> PathBuf {
    dir.join("docker.sock")
}

/// The last lines of the log of the engine in this directory.
fn log_tail(dir: &Path) -> String {
    let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
    tail(log.trim(), 1500).to_owned()
}

/// Whether an engine answers at this socket, asked without the cost of starting a client.
fn answers(socket: &Path) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(answer.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}
