//! An operator's walk: form, scale, crash, hold, refusal, drain.

use meshworker_e2e::{Deployment, Redis, World};

use crate::page::Page;
use crate::terminal::Terminal;

const RECORDS: usize = 500;

/// Set to `1`, this variable keeps the walk among the documentation.
const UPDATE: &str = "MESHWORKER_UPDATE_WALK";

/// What an operator types and sees, in a terminal and in a browser, from the
/// first deployment to a drained member.
pub fn walk(world: &World) {
    let swarm = world.swarm();
    let (socket, group) = world.socket();
    let port = "14748";
    let env = [
        ("DOCKER_SOCKET", socket.as_str()),
        ("DOCKER_GID", &group),
        ("DASHBOARD_PORT", port),
    ];
    let files = [
        World::stack("docker-api.yml"),
        World::stack("dashboard.yml"),
    ];
    let mut deployment = Deployment::with(swarm, &Redis, "walk", 3, &files, &env);
    deployment.becomes_one(3);
    deployment.write(RECORDS);
    let service = deployment.stack().full("redis");
    let node = swarm.address(1).expect("the manager has an address");
    let api = format!(
        "http://tasks.{}:4748",
        deployment.stack().full("meshworker")
    );
    let mut terminal = Terminal::default();

    terminal.heading("three members have become one cluster");
    terminal.until(&deployment, &["status"], &["one cluster of 3 members"]);
    terminal.type_in(&deployment, &["events", "--limit", "12"]);
    with_page(
        &deployment,
        &format!("http://{node}:{port}/"),
        &api,
        |page| {
            page.equals_the_api(3);
        },
    );

    terminal.heading("docker service scale: from 3 to 5");
    deployment.scale(5);
    terminal.until(&deployment, &["status"], &["one cluster of 5 members"]);
    deployment.becomes_one(5);
    with_page(
        &deployment,
        &format!("http://{node}:{port}/"),
        &api,
        |page| {
            page.equals_the_api(5);

            terminal.heading("a container is killed");
            let victim = deployment.members().pop().expect("five run");
            deployment.stack().kill_container(&victim).expect("it dies");
            page.shows("[...document.querySelectorAll('[data-member]')].some(e => e.dataset.state !== 'joined')");
            terminal.type_in(&deployment, &["status"]);
            page.equals_the_api(5);
            let member = format!("{service}.{}", victim.slot);
            terminal.until(&deployment, &["why", &member], &["joined"]);
            page.is_clean();
        },
    );
    deployment.becomes_one(5);

    terminal.heading("an operator holds the cluster, and it is scaled all the same");
    terminal.type_in(&deployment, &["hold", "--why", "a restore is under way"]);
    deployment.scale(6);
    let new = format!("{service}.6");
    let status = terminal.until(
        &deployment,
        &["status"],
        &["a restore is under way", "operator"],
    );
    assert!(
        !status.contains("one cluster of 6"),
        "it was held:\n{status}"
    );
    terminal.until(&deployment, &["why", &new], &["operator holds it"]);
    terminal.type_in(&deployment, &["plan"]);
    with_page(
        &deployment,
        &format!("http://{node}:{port}/"),
        &api,
        |page| {
            page.shows("document.body.innerText.includes('a restore is under way')");
            page.equals_the_api(5);
        },
    );
    terminal.type_in(&deployment, &["resume"]);
    terminal.until(&deployment, &["status"], &["one cluster of 6 members"]);
    deployment.becomes_one(6);

    terminal.heading("docker service scale to 1 is held up, and taken back");
    deployment.scale(1);
    terminal.until(&deployment, &["status"], &["release gate 4"]);
    with_page(
        &deployment,
        &format!("http://{node}:{port}/"),
        &api,
        |page| {
            page.shows("document.body.innerText.includes('release gate 4')");
            page.is_clean();
        },
    );
    deployment.scale(3);
    deployment.becomes_clean(3);

    terminal.heading("a member is drained");
    let slots = deployment.members();
    let slot = slots.iter().map(|task| task.slot).max().expect("three run");
    let member = format!("{service}.{slot}");
    // Its slots are handed over; but three masters are the fewest, so it is not
    // let go.
    terminal.type_in(&deployment, &["drain", &member, "--detach"]);
    let held = format!("{member} may not go yet: release gate 4");
    deployment.wait("the order's answer", || {
        let events = ["meshworker", "events", "--limit", "100", "--json"];
        let said = deployment
            .tools()
            .exec(&events)
            .map_err(|e| e.to_string())?;
        said.contains(&held).then_some(()).ok_or(said)
    });
    terminal.type_in(&deployment, &["why", &member]);
    with_page(
        &deployment,
        &format!("http://{node}:{port}/"),
        &api,
        |page| {
            page.shows("document.querySelector('[data-member][data-state=leaving]') !== null");
            page.equals_the_api(2);
            page.is_clean();
        },
    );
    terminal.type_in(&deployment, &["status", "--json"]);
    deployment.all_there(RECORDS);
    let log = deployment.worker_log();
    assert!(!log.contains("panicked"), "the worker broke:\n{log}");
    assert!(
        !terminal.text().contains("change-me"),
        "a secret was shown:\n{}",
        terminal.text()
    );

    terminal.save(&World::root().join("target/walk/walk.txt"));
    if std::env::var(UPDATE).is_ok_and(|value| value == "1") {
        terminal.save(&World::root().join("docs/walk.txt"));
    }
}

/// Opens the dashboard for a part of the walk.
fn with_page(deployment: &Deployment<'_>, url: &str, api: &str, part: impl FnOnce(&Page<'_, '_>)) {
    part(&Page::open(deployment, url, api.to_owned()));
}
