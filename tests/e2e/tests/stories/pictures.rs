//! The pictures of the dashboard in the documentation, of a cluster that is really there.

use std::path::PathBuf;

use meshworker_e2e::{Deployment, Redis, World};

use crate::page::{Page, Shot};

/// The folder that the pictures come into, instead of one below `target`.
const FOLDER: &str = "MESHWORKER_PICTURES";

const PORT: &str = "14749";

/// At rest, with a member that hangs, and with one that leaves, on a phone.
pub fn pictures(world: &World) {
    let folder = std::env::var_os(FOLDER).map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| World::root().join("target/pictures"));
    let (socket, group) = world.socket();
    let env = [
        ("DOCKER_SOCKET", socket.as_str()),
        ("DOCKER_GID", &group),
        ("DASHBOARD_PORT", PORT),
    ];
    let files = [
        World::stack("docker-api.yml"),
        World::stack("dashboard.yml"),
    ];
    let mut deployment = Deployment::with(world.swarm(), &Redis, "pictures", 6, &files, &env);
    deployment.becomes_clean(6);
    deployment.write(500);
    let stack = deployment.stack();
    let cluster = stack.full("redis");
    let node = world
        .swarm()
        .address(1)
        .expect("the manager has an address");
    let url = format!("http://{node}:{PORT}/");
    let api = format!("http://tasks.{}:4748", stack.full("meshworker"));

    let page = Page::open(&deployment, &url, api.clone());
    page.equals_the_api(6);
    page.shot(&folder.join("dashboard-light.png"), &Shot::DESK, "");

    let hung = deployment.members().pop().expect("six run");
    let member = format!("{cluster}.{}", hung.slot);
    let (engine, container) = stack.locate(&hung).expect("it is somewhere");
    engine.pause(&container).expect("it is paused");
    page.shows(&format!(
        "document.querySelector('[data-member=\"{member}\"]').dataset.state === 'silent'"
    ));
    let evidence = format!("#/{cluster}/{member}");
    page.shot(&folder.join("dashboard-dark.png"), &Shot::DARK, &evidence);
    // Its health check may have had it ended by now.
    let _ = engine.run(["unpause", &container]);
    page.equals_the_api(6);
    page.is_clean();
    drop(page);

    // Swarm takes the ones with the highest numbers, as a rule.
    deployment.scale(4);
    let page = Page::open(&deployment, &url, api);
    page.shows("document.querySelector('[data-member][data-state=leaving]') !== null");
    page.shot(&folder.join("dashboard-phone.png"), &Shot::PHONE, "");
    page.is_clean();
    drop(page);
    deployment.becomes_clean(4);
    deployment.all_there(500);
}
