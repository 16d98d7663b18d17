//! The supervisor in the vendor's image as it is, in whatever order things happen.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use meshworker_e2e::{Deployment, Redis, World};
use meshworker_lab::images::{Tested, version};
use meshworker_lab::{Docker, Engines, Swarm, Task};

const RECORDS: usize = 1000;
const MEMBERS: usize = 6;

/// Less than the ten minutes that a member which cannot be stopped would take.
const BELOW_GRACE: Duration = Duration::from_secs(300);

/// Members are there before their program, on volumes that they were the first to mount, with a read-only root, without
/// root's rights; one of them is told to go. Then the program comes, and later another version of it.
pub fn in_any_order(world: &World) {
    let swarm = world.swarm();
    let manager = swarm.manager().expect("a manager answers");
    let full = version(&manager).expect("the worker's image runs");
    let (release, _) = full.rsplit_once('-').expect("it has a digest");
    let old = format!("meshworker-{release}");
    for engine in swarm.reachable() {
        let volume = format!("{old}:/opt/meshworker");
        let image = Tested::Redis.reference();
        let mount = [
            "run",
            "--rm",
            "--network=none",
            "--entrypoint=true",
            "-v",
            &volume,
            image,
        ];
        engine.run(mount).expect("a volume can be mounted");
    }
    let files = [World::test_stack("late-install.yml")];
    let env = [("MESHWORKER_VERSION", release), ("INSTALL", "==")];
    let mut deployment = Deployment::with(swarm, &Redis, "stock", MEMBERS, &files, &env);
    deployment.set_patience(BELOW_GRACE);
    deployment.wait("members that say what they wait for", || {
        let mut waiting = 0;
        for task in there(&deployment)? {
            let (engine, container) = deployment
                .stack()
                .locate(&task)
                .map_err(|e| e.to_string())?;
            // The manager has no logs of what is not healthy yet.
            let log = engine
                .run(["logs", &container])
                .map_err(|e| e.to_string())?;
            waiting += usize::from(log.contains("waiting for the service 'install'"));
        }
        (waiting == MEMBERS)
            .then_some(())
            .ok_or(format!("{waiting} wait"))
    });
    deployment.scale(MEMBERS - 1);
    deployment.wait("one that waits to go when it is told to", || {
        let there = there(&deployment)?;
        (there.len() == MEMBERS - 1)
            .then_some(())
            .ok_or(format!("{there:?}"))
    });
    deployment.change(&[("INSTALL", "!=")]);
    deployment.becomes_one(MEMBERS);
    deployment.write(RECORDS);

    let before = ids(&deployment);
    deployment.set_patience(Duration::from_secs(1200));
    deployment.change(&[("MESHWORKER_VERSION", &full)]);
    deployment.wait("the other version", || {
        let state = deployment.stack().update_state("redis");
        let state = state.map_err(|error| error.to_string())?;
        let now = ids(&deployment);
        let done = now.len() == MEMBERS && now.is_disjoint(&before);
        (done && state.starts_with("completed"))
            .then_some(())
            .ok_or(format!("{now:?} after {before:?}; Swarm says: {state}"))
    });
    deployment.becomes_clean(MEMBERS);
    deployment.all_there(RECORDS);

    for engine in swarm.reachable() {
        let list = ["volume", "ls", "-q", "-f", "name=^meshworker-"];
        let volumes = engine.lines(&list).expect("volumes are listed");
        assert!(volumes.contains(&old), "both lie side by side: {volumes:?}");
        // The old service's container may be on its way out.
        deployment.wait("the former version to be unused", || {
            let script = paragraph("by these two lines").replace("meshworker-0.1.0", &old);
            shell(swarm, &engine, &script)
        });
        let volumes = engine.lines(&list).expect("volumes are listed");
        assert!(!volumes.contains(&old), "{volumes:?}");
        assert!(
            volumes.contains(&format!("meshworker-{full}")),
            "{volumes:?}"
        );
    }
    by_hand(&deployment, &manager);
}

/// The page's lines for one container, and one with every restriction.
fn by_hand(deployment: &Deployment<'_>, engine: &Docker) {
    let image = Tested::Redis.reference();
    let script = paragraph("By hand, for a try:").replace("redis:7.4", image);
    let _gone = Gone(engine);
    shell(deployment.swarm, engine, &script).expect("the page's lines run");
    deployment.wait("a database under its supervisor", || {
        let ask = ["exec", "one", "redis-cli", "PING"];
        let said = engine.run(ask).map_err(|error| error.to_string())?;
        (said == "PONG").then_some(()).ok_or(said)
    });
    let first = ["exec", "one", "cat", "/proc/1/comm"];
    assert_eq!(engine.run(first).expect("it runs"), "meshworker");
    let restricted = [
        "run",
        "--rm",
        "--network=none",
        "--read-only",
        "--user=65533",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "-v=meshworker:/opt/meshworker:ro",
        "--entrypoint=/opt/meshworker/meshworker",
        image,
        "version",
    ];
    let said = engine.run(restricted);
    let said = said.expect("nobody in particular may run it");
    assert_eq!(said, version(engine).expect("the worker's image runs"));
}

/// What the page has to be typed after these words.
fn paragraph(words: &str) -> String {
    let page = std::fs::read_to_string(World::root().join("docs/stock-images.md"));
    let page = page.expect("the page can be read");
    let (_, rest) = page.split_once(words).expect("the page has these words");
    let lines = rest.lines().skip(1).skip_while(|line| line.is_empty());
    let lines = lines.take_while(|line| line.starts_with("    "));
    let lines: Vec<&str> = lines.map(|line| line.trim_start()).collect();
    lines.join("\n")
}

fn shell(swarm: &Swarm, engine: &Docker, script: &str) -> Result<(), String> {
    let mut command = Command::new("sh");
    command
        .args(["-euc", script])
        .current_dir(swarm.directory());
    command.env("DOCKER_HOST", engine.host().unwrap_or_default());
    let output = command.output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    output
        .status
        .success()
        .then_some(())
        .ok_or(format!("{script}\n{said}"))
}

/// The members' tasks that have not ended.
fn there(deployment: &Deployment<'_>) -> Result<Vec<Task>, String> {
    let tasks = deployment.stack().tasks("redis");
    let mut tasks = tasks.map_err(|error| error.to_string())?;
    tasks.retain(|task| !task.has_ended());
    Ok(tasks)
}

fn ids(deployment: &Deployment<'_>) -> BTreeSet<String> {
    let members = deployment.members().into_iter();
    members.map(|task| task.id).collect()
}

/// What was made by hand goes.
struct Gone<'a>(&'a Docker);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        for rest in [
            &["rm", "-f", "-v", "one"][..],
            &["volume", "rm", "meshworker"],
        ] {
            if let Err(error) = self.0.run(rest) {
                eprintln!("{error}");
            }
        }
    }
}
