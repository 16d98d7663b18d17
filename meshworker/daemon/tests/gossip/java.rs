//! Real members of JGroups: the demos of each release, which print their views.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

/// What a program of Java's is started by.
const JAVA: &str = "MESHWORKER_JAVA";

/// The file `jgroups-5.jar`, with `jgroups-4.jar` beside it, and that of 2.12.
const RELEASES: &str = "MESHWORKER_JGROUPS";
const OLD_RELEASE: &str = "MESHWORKER_JGROUPS_2";

/// Far longer than anything takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// A release, and the demo that stands for its members. Each is a group of its own: members
/// of different releases cannot speak to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    V2,
    V4,
    V5,
    /// 5.x again, of members that reach each other through their router only.
    Tunnel,
    /// 5.x again, of members that find each other by files in the folder that they are given in
    /// place of routers.
    Files,
}

/// Where Java and the releases are; none where something is missing, which is said then.
pub struct Java {
    program: PathBuf,
    releases: PathBuf,
    old: PathBuf,
    configs: tempfile::TempDir,
}

impl Java {
    pub fn find() -> Option<Java> {
        let given = |name| std::env::var_os(name).map(PathBuf::from);
        let program = given(JAVA).unwrap_or_else(|| "java".into());
        let starts = Command::new(&program).arg("--version").output();
        let starts = starts.is_ok_and(|output| output.status.success());
        let jars = given(RELEASES).zip(given(OLD_RELEASE)).filter(|_| starts);
        let Some((releases, old)) = jars else {
            let mend = format!(
                "cargo xtask test fetches both; by hand, {JAVA} names java, {RELEASES} a file \
                 jgroups-5.jar with jgroups-4.jar beside it, and {OLD_RELEASE} that of 2.12"
            );
            meshworker_needs::missing("Java, or JGroups", &mend);
            return None;
        };
        let configs = tempfile::tempdir().unwrap();
        for release in [
            Release::V2,
            Release::V4,
            Release::V5,
            Release::Tunnel,
            Release::Files,
        ] {
            let folder = configs.path().join(format!("{release:?}"));
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("udp.xml"), config(release)).unwrap();
        }
        Some(Java {
            program,
            releases: releases.parent()?.to_owned(),
            old,
            configs,
        })
    }

    /// Starts a member of this name, which listens at this address and knows these routers:
    /// `HOST[PORT],...`.
    pub fn member(&self, release: Release, name: &str, at: &str, routers: &str) -> Member {
        let (jar, demo) = match release {
            Release::V2 => (self.old.clone(), "QuoteServer"),
            Release::V4 => (self.releases.join("jgroups-4.jar"), "CounterServiceDemo"),
            Release::V5 | Release::Tunnel | Release::Files => {
                (self.releases.join("jgroups-5.jar"), "Chat")
            }
        };
        let config = self
            .configs
            .path()
            .join(format!("{release:?}"))
            .join("udp.xml");
        let mut java = Command::new(&self.program);
        java.args([
            "-Xms16m",
            "-Xmx96m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
        ])
        .arg("-Djava.net.preferIPv4Stack=true")
        .arg(format!("-Dat={at}"))
        .arg(format!("-Drouters={routers}"))
        .arg("-cp")
        // What is given no configuration takes the one of this name.
        .arg(format!(
            "{}:{}",
            config.parent().unwrap().display(),
            jar.display()
        ))
        .arg(format!("org.jgroups.demos.{demo}"))
        .args(["-props", config.to_str().unwrap(), "-name", name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
        let mut child = java.spawn().unwrap();
        let said = Arc::<Mutex<String>>::default();
        listen(child.stdout.take().unwrap(), &said);
        listen(child.stderr.take().unwrap(), &said);
        Member {
            name: name.to_owned(),
            stdin: child.stdin.take().unwrap(),
            child,
            said,
        }
    }
}

/// A member, as long as it is not dropped.
pub struct Member {
    name: String,
    child: Child,
    stdin: ChildStdin,
    said: Arc<Mutex<String>>,
}

impl Member {
    /// Types a line at its prompt.
    pub fn types(&mut self, line: &str) {
        // Whoever is dead is found out by what does not come.
        let _ = writeln!(self.stdin, "{line}");
    }

    /// Waits until its view is of so many.
    pub async fn sees(&mut self, members: usize) {
        self.until(&format!("a view of {members}"), |member| {
            member.view() == members
        })
        .await;
    }

    /// Waits until it has said this.
    pub async fn says(&mut self, what: &str) {
        self.until(what, |member| member.said.lock().unwrap().contains(what))
            .await;
    }

    async fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Member) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            let said = || self.said.lock().unwrap().clone();
            assert!(
                began.elapsed() < DEADLINE,
                "{}: {what}: it said {}",
                self.name,
                said()
            );
            assert!(
                self.child.try_wait().unwrap().is_none(),
                "{} has ended: {}",
                self.name,
                said()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// How many its last view has: `view: [A|1] (2) [A, B]`, or `Accepted view (2[A, B])`.
    fn view(&self) -> usize {
        let said = self.said.lock().unwrap();
        let views = said.lines().filter_map(|line| line.split_once(" view"));
        let mut numbers = views.filter_map(|(_, view)| {
            let (_, number) = view.split_once('(')?;
            let end = number.find(|letter: char| !letter.is_ascii_digit())?;
            number[..end].parse().ok()
        });
        numbers.next_back().unwrap_or_default()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(from: impl Read + Send + 'static, said: &Arc<Mutex<String>>) {
    let said = Arc::clone(said);
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            let Ok(line) = line else { return };
            let mut said = said.lock().unwrap();
            said.push_str(&line);
            said.push('\n');
        }
    });
}

/// Quick to find each other, and otherwise as they are shipped.
fn config(release: Release) -> String {
    let discovery = match release {
        Release::V2 => {
            r#"<TCP bind_addr="${at}" bind_port="7800" loopback="true"/>
               <TCPGOSSIP initial_hosts="${routers}" timeout="1500" num_initial_members="2" reconnect_interval="500"/>
               <MERGE2 min_interval="1000" max_interval="2000"/>
               <FD_SOCK bind_addr="${at}"/><VERIFY_SUSPECT timeout="500"/>
               <pbcast.NAKACK use_mcast_xmit="false" gc_lag="0" retransmit_timeout="300,600,1200"/>
               <UNICAST timeout="300,600,1200"/><pbcast.STABLE/>
               <pbcast.GMS join_timeout="1000"/><FRAG2/><pbcast.STATE_TRANSFER/>"#
        }
        Release::V4 => {
            r#"<TCP bind_addr="${at}" bind_port="7800"/>
               <TCPGOSSIP initial_hosts="${routers}" reconnect_interval="500"/>
               <MERGE3 min_interval="1000" max_interval="2000"/>
               <FD_SOCK bind_addr="${at}"/><FD_ALL3/><VERIFY_SUSPECT/>
               <pbcast.NAKACK2 use_mcast_xmit="false"/><UNICAST3/><pbcast.STABLE/>
               <pbcast.GMS join_timeout="500"/><FRAG2/><COUNTER/>"#
        }
        Release::Files => {
            r#"<TCP bind_addr="${at}" bind_port="7800" diag.enable_tcp="true" diag.bind_addr="${at}"/>
               <FILE_PING location="${routers}"/>
               <MERGE3 min_interval="1000" max_interval="2000"/>
               <FD_SOCK2 bind_addr="${at}"/><FD_ALL3/><VERIFY_SUSPECT2/>
               <pbcast.NAKACK2 use_mcast_xmit="false"/><UNICAST3/><pbcast.STABLE/>
               <pbcast.GMS join_timeout="500"/><FRAG2/>"#
        }
        Release::V5 => {
            r#"<TCP bind_addr="${at}" bind_port="7800" diag.enable_tcp="true" diag.bind_addr="${at}"/>
               <TCPGOSSIP initial_hosts="${routers}" reconnect_interval="500"/>
               <MERGE3 min_interval="1000" max_interval="2000"/>
               <FD_SOCK2 bind_addr="${at}"/><FD_ALL3/><VERIFY_SUSPECT2/>
               <pbcast.NAKACK2 use_mcast_xmit="false"/><UNICAST3/><pbcast.STABLE/>
               <pbcast.GMS join_timeout="500"/><FRAG2/>"#
        }
        Release::Tunnel => {
            r#"<TUNNEL bind_addr="${at}" gossip_router_hosts="${routers}" reconnect_interval="500" heartbeat_interval="1000" heartbeat_timeout="5000"/>
               <PING/><MERGE3 min_interval="1000" max_interval="2000"/>
               <FD_ALL3 timeout="20000" interval="4000"/><VERIFY_SUSPECT2/>
               <pbcast.NAKACK2 use_mcast_xmit="false"/><UNICAST3/><pbcast.STABLE/>
               <pbcast.GMS join_timeout="500"/><FRAG2/>"#
        }
    };
    format!("<config xmlns=\"urn:org:jgroups\">{discovery}</config>")
}
