//! A password and tokens are changed as the page says, without a stop.

use std::collections::BTreeSet;
use std::time::Duration;

use meshworker_e2e::{Deployment, Redis, World};
use meshworker_lab::{Engines, Swarm};

const RECORDS: usize = 1000;
const MEMBERS: usize = 6;

/// For an update of all, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(1200);

/// The passwords, and the tokens, of this story.
const PASSWORD: [&str; 2] = ["the-first-password-of-all", "the-second-password-of-all"];
const OLD_TOKEN: &str = "the-first-token-of-the-members";
const NEW_TOKEN: &str = "the-second-token-of-the-members";
const OLD_OPERATOR: &str = "the-first-token-of-the-operators";
const NEW_OPERATOR: &str = "the-second-token-of-the-operators";

/// The members' token in two updates, the operators' in two deploys, and the
/// password in one update, after every member has been told.
pub fn changed_without_a_stop(world: &World) {
    let secrets = Secrets {
        swarm: world.swarm(),
    };
    secrets.create("token-1", OLD_TOKEN);
    secrets.create("operator-1", OLD_OPERATOR);
    secrets.create("password-1", PASSWORD[0]);
    let named = [
        ("TOKEN_SECRET", "story-token-1"),
        ("OPERATOR_TOKEN_SECRET", "story-operator-1"),
        ("REDIS_PASSWORD_SECRET", "story-password-1"),
    ];
    let own = World::stack("secrets.yml");
    let mut deployment =
        Deployment::with(world.swarm(), &Redis, "secrets", MEMBERS, &[own], &named);
    deployment.set_patience(PATIENCE);
    deployment.becomes_one(MEMBERS);
    deployment.write(RECORDS);

    secrets.create("token-2", &format!("{NEW_TOKEN}\n{OLD_TOKEN}"));
    updated(&mut deployment, ("TOKEN_SECRET", "story-token-2"));
    secrets.create("token-3", NEW_TOKEN);
    updated(&mut deployment, ("TOKEN_SECRET", "story-token-3"));

    let before = ids(&deployment);
    secrets.create("operator-2", &format!("{NEW_OPERATOR}\n{OLD_OPERATOR}"));
    secrets.create("operator-3", NEW_OPERATOR);
    for secret in ["story-operator-2", "story-operator-3"] {
        deployment.change(&[("OPERATOR_TOKEN_SECRET", secret)]);
        takes_orders(&deployment);
    }
    assert_eq!(ids(&deployment), before, "members are not touched");

    tell_the_members(&deployment, PASSWORD[1]);
    secrets.create("password-2", PASSWORD[1]);
    updated(
        &mut deployment,
        ("REDIS_PASSWORD_SECRET", "story-password-2"),
    );
    deployment.wait("the old password to be worth nothing", || {
        let ask = format!("REDISCLI_AUTH={} redis-cli -h redis PING", PASSWORD[0]);
        let said = deployment.tools().exec(&["sh", "-c", &ask]);
        let said = said.map_err(|error| error.to_string())?;
        (!said.contains("PONG")).then_some(()).ok_or(said)
    });
    takes_orders(&deployment);
}

/// Deploys with another secret, and waits until every member has it, is in the one
/// cluster, and all records are there.
fn updated(deployment: &mut Deployment<'_>, change: (&str, &str)) {
    let before = ids(deployment);
    deployment.change(&[change]);
    let service = deployment.database.service();
    deployment.wait(&format!("the update to {}", change.1), || {
        let state = deployment.stack().update_state(service);
        let state = state.map_err(|error| error.to_string())?;
        let now = ids(deployment);
        let done = now.len() == MEMBERS && now.is_disjoint(&before);
        (done && state.starts_with("completed"))
            .then_some(())
            .ok_or(format!("{now:?} after {before:?}; Swarm says: {state}"))
    });
    deployment.becomes_clean(MEMBERS);
    deployment.all_there(RECORDS);
}

/// An operator holds the cluster and lets it go again.
fn takes_orders(deployment: &Deployment<'_>) {
    for order in [&["hold", "--why", "a story"][..], &["resume"]] {
        let command = [&["meshworker"], order].concat();
        // The worker and the tools are replaced one after the other.
        deployment.wait(order[0], || {
            let said = deployment.tools().ask(&command);
            let said = said.map_err(|error| error.to_string())?;
            said.success
                .then_some(())
                .ok_or(format!("{}{}", said.stdout, said.stderr))
        });
    }
}

/// The page's own lines, with the password on their standard input.
fn tell_the_members(deployment: &Deployment<'_>, password: &str) {
    let page = std::fs::read_to_string(World::root().join("docs/secrets.md"));
    let page = page.expect("the page can be read");
    let script = page
        .split_once("cache_tools) sh -c '")
        .and_then(|(_, rest)| rest.split_once("' <"));
    let (script, _) = script.expect("the page has the script");
    let piped = r#"printf '%s\n' "$1" | sh -c "$0""#;
    let command = ["sh", "-c", piped, script, password];
    let said = deployment.tools().exec(&command);
    let said = said.expect("every member is told");
    let taken = said.lines().filter(|line| line.trim() == "OK").count();
    assert_eq!(taken, 2 * MEMBERS, "{said}");
}

fn ids(deployment: &Deployment<'_>) -> BTreeSet<String> {
    let members = deployment.members().into_iter();
    members.map(|task| task.id).collect()
}

/// Secrets that were made by hand; they go when the stack has gone.
struct Secrets<'a> {
    swarm: &'a Swarm,
}

impl Secrets<'_> {
    fn create(&self, name: &str, content: &str) {
        let file = self.swarm.directory().join(format!("secret-{name}"));
        std::fs::write(&file, content).expect("the lab has a folder");
        let manager = self.swarm.manager().expect("a manager answers");
        let path = file.to_string_lossy();
        let create = ["secret", "create", &format!("story-{name}"), &path];
        manager.run(create).expect("a secret can be created");
    }
}

impl Drop for Secrets<'_> {
    fn drop(&mut self) {
        let removed = self.swarm.manager().and_then(|manager| {
            let names = manager.lines(&["secret", "ls", "-q", "--filter", "name=story-"])?;
            let names = names.iter().map(String::as_str);
            manager.run(["secret", "rm"].into_iter().chain(names))
        });
        if let Err(error) = removed {
            eprintln!("the story's secrets could not be removed: {error}");
        }
    }
}
