//! The load generator, in the tools container of a deployment.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use meshworker_lab::Docker;
use meshworker_load::{Report, Verified};

use crate::{Deployment, World};

/// How many base records there are.
const RECORDS: u64 = 20_000;
/// Says how many, where another number is wanted.
pub const RECORDS_VARIABLE: &str = "MESHWORKER_RECORDS";
/// Writes per second, and as many reads: steady, and no burden for two cores
/// that also carry the cluster.
const RATE: u64 = 200;
/// To write or read everything on a busy machine.
const PHASE_DEADLINE: Duration = Duration::from_secs(900);
/// A mark is answered at once, whatever the database does.
const MARK_DEADLINE: Duration = Duration::from_secs(300);
/// Where it is put in the container.
const PROGRAM: &str = "/tmp/meshworker-load";
/// Where it keeps its journal there.
const FOLDER: &str = "/tmp/load";

/// The load generator of one deployment.
pub struct Load {
    docker: Docker,
    container: String,
    database: &'static str,
}

impl Load {
    /// Puts the program into the tools container.
    pub fn install(world: &World, deployment: &Deployment<'_>) -> Self {
        let task = deployment.tools().task();
        let stack = deployment.stack();
        stack
            .copy_into(&task, world.load_binary(), PROGRAM)
            .expect("the load generator can be copied");
        let (docker, container) = stack.locate(&task).expect("the container is there");
        Self {
            docker,
            container,
            database: deployment.database.name(),
        }
    }

    /// Writes the base records.
    pub fn fill(&self) {
        self.phase("fill");
    }

    /// Begins to write and read; returns after the first acknowledged write.
    pub fn start(&self) -> RunningLoad {
        let arguments = self.arguments("run", &["-i"]);
        let mut command = self.docker.command(arguments).expect("there is a client");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the load generator starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let (send, reports) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let Ok(report) = serde_json::from_str(&line) else {
                    eprintln!("  the load generator says {line}");
                    continue;
                };
                if send.send(report).is_err() {
                    break;
                }
            }
        });
        let mut running = RunningLoad {
            child,
            stdin,
            reports,
        };
        running.report("begin");
        running
    }

    /// Reads everything back. A load may run meanwhile; its writes count as far
    /// as its last mark.
    pub fn verify(&self) -> Verified {
        let said = self.phase("verify");
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error} in {said}"))
    }

    /// Tells a program in a new container how far the last one came.
    pub fn assume(&self, acknowledged: u64) {
        let journal = format!(r#"{{"acknowledged":{acknowledged},"unknown":null}}"#);
        let script = format!("mkdir -p {FOLDER} && echo '{journal}' >{FOLDER}/state.json");
        self.docker
            .run(["exec", &self.container, "sh", "-c", &script])
            .expect("a file can be written");
    }

    fn phase(&self, phase: &str) -> String {
        self.docker
            .run_within(PHASE_DEADLINE, self.arguments(phase, &[]))
            .unwrap_or_else(|error| panic!("{phase}: {error}"))
    }

    /// `docker exec` of a phase.
    fn arguments(&self, phase: &str, how: &[&str]) -> Vec<String> {
        let records = std::env::var(RECORDS_VARIABLE).unwrap_or_else(|_| RECORDS.to_string());
        let rate = RATE.to_string();
        let seed = match self.database {
            "redis" => "redis",
            _ => "aerospikedb",
        };
        let mut arguments = vec!["exec"];
        arguments.extend(how);
        arguments.extend([self.container.as_str(), PROGRAM, self.database, phase]);
        arguments.extend(["--seed", seed, "--records", &records, "--rate", &rate]);
        arguments.extend(["--out", FOLDER]);
        if self.database == "redis" {
            arguments.extend(["--password-file", "/run/secrets/redis-password"]);
        }
        arguments.into_iter().map(str::to_owned).collect()
    }

    /// About how many writes are acknowledged in so many seconds.
    pub fn writes_in(seconds: u64) -> u64 {
        RATE * seconds
    }
}

/// A load that runs. Dropping it ends it.
pub struct RunningLoad {
    child: Child,
    stdin: Option<ChildStdin>,
    reports: Receiver<Report>,
}

impl RunningLoad {
    /// The figures since the last mark.
    pub fn mark(&mut self, name: &str) -> Report {
        let stdin = self.stdin.as_mut().expect("it is open");
        writeln!(stdin, "mark {name}").expect("the load generator runs");
        self.report(name)
    }

    /// Ends it; the last figures.
    pub fn finish(mut self) -> Report {
        self.stdin = None;
        self.report("end")
    }

    fn report(&mut self, name: &str) -> Report {
        match self.reports.recv_timeout(MARK_DEADLINE) {
            Ok(report) if report.mark == name => report,
            other => panic!("no report of `{name}` from the load generator: {other:?}"),
        }
    }
}

impl Drop for RunningLoad {
    fn drop(&mut self) {
        // Without stdin it ends by itself; this is the client beside it.
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
