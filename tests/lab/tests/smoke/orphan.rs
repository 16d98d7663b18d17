//! Labs whose owner dies or is interrupted. The owner is this very program, started once more.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use meshworker_lab::{Client, Swarm, sweep, wait_for};

use crate::leftovers;

/// Makes this program an owner that starts a lab, says so, and then waits to be killed.
const VARIABLE: &str = "MESHWORKER_LAB_ORPHAN";

/// The variable's value for an owner that has also started a client of its lab.
const WITH_CLIENT: &str = "with a client";

/// Whether this process was started to be an owner.
pub fn is_asked() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// Starts a lab, says so, and waits to be killed.
pub fn play() -> ! {
    let swarm = Swarm::start(2, 1).unwrap();
    let marks = swarm.marks().unwrap();
    if std::env::var_os(VARIABLE).is_some_and(|value| value == WITH_CLIENT) {
        // It has the lab's mark among its arguments, as whoever speaks to the lab may have, and a child.
        let mut client = Command::new("sh");
        client.args(["-c", "sleep 1000 & sleep 1000", &marks[0]]);
        std::mem::forget(Client::start(&mut client).unwrap());
    }
    println!("{}", marks.join(" "));
    loop {
        std::thread::park();
    }
}

pub fn is_swept() {
    let (mut owner, marks) = start_owner("alone");
    assert_ne!(leftovers::of(&marks), BTreeSet::new());
    owner.kill().unwrap();
    owner.wait().unwrap();
    // Another program that starts a lab at this moment may do it first; either way it is done.
    sweep().unwrap();
    assert_eq!(leftovers::of(&marks), BTreeSet::new());
}

pub fn cleans_up() {
    let (mut owner, marks) = start_owner(WITH_CLIENT);
    assert_ne!(leftovers::of(&marks), BTreeSet::new());
    let pid = owner.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
    let status = wait_for("the owner to end", Duration::from_secs(60), || {
        owner.try_wait().unwrap().ok_or("it still runs")
    });
    assert_eq!(status.unwrap().code(), Some(130));
    assert_eq!(leftovers::of(&marks), BTreeSet::new());
}

/// An owner whose lab is up, and the marks of the lab.
fn start_owner(company: &str) -> (Child, [String; 2]) {
    // However this test ends, its owner does too, and whoever sweeps next takes the lab away.
    let mut owner = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--"])
        .arg(std::env::current_exe().unwrap())
        .env(VARIABLE, company)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(owner.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let (directory, group) = line.trim().split_once(' ').unwrap();
    (owner, [directory.to_owned(), group.to_owned()])
}
