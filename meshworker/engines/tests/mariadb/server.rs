//! A real server as a test treats one: started, stopped, hung, killed, asked.

use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use aerospike_sim::testing::Process;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder};
use rustix::process::{Pid, Signal, kill_process};

use crate::program::{PASSWORD, Program};

/// Where servers listen.
pub const PORT: u16 = 3306;

/// A server that runs.
pub struct Server {
    process: Process,
}

impl Server {
    /// Starts one in a slot's directory.
    pub fn start(program: &Program, slot: &Path, address: IpAddr, arguments: &[String]) -> Server {
        let log = File::options()
            .create(true)
            .append(true)
            .open(slot.join("log"))
            .unwrap();
        let process = Process::start(program.file(), |mariadbd| {
            program.prepare(mariadbd, &slot.join("mysql"));
            mariadbd.current_dir(slot);
            mariadbd.arg(format!("--bind-address={address}"));
            mariadbd.arg(format!("--port={PORT}"));
            mariadbd.arg("--socket=socket").arg("--pid-file=pid");
            mariadbd.args(arguments);
            mariadbd.stdout(log.try_clone().unwrap()).stderr(log);
        });
        Server {
            process: process.unwrap(),
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.process.id().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// It hangs.
    pub fn hang(&self) {
        self.signal(Signal::STOP);
    }

    /// It goes on.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// It is asked to stop.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.process.has_ended().unwrap().is_some()
    }
}

/// A connection to whoever is there.
pub async fn connect(at: SocketAddr, user: &str) -> mysql_async::Result<Conn> {
    let options = OptsBuilder::default()
        .ip_or_hostname(at.ip().to_string())
        .tcp_port(at.port())
        .user(Some(user))
        .pass(Some(PASSWORD))
        .prefer_socket(false)
        .max_allowed_packet(Some(1 << 20))
        .wait_timeout(Some(28800));
    Conn::new(options).await
}

/// Does something as the administrator.
pub async fn tell(at: SocketAddr, command: &str) {
    let mut conn = connect(at, "root").await.unwrap();
    if let Err(why) = conn.query_drop(command).await {
        panic!("{at}: {command}: {why}");
    }
}

/// The slot's directory of a fleet's folder.
pub fn slot_of(folder: &Path, slot: u64) -> PathBuf {
    folder.join(format!("slot-{slot}"))
}
