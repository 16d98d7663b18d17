//! Taking a node out of service.

use meshworker_e2e::{Acts, Deployment};
use meshworker_lab::Swarm;

/// The nodes that may be drained; the load generator is on the first one.
const WORKERS: [usize; 2] = [2, 3];

/// `docker node update --availability drain` of the worker node with the most
/// members; then it is active again, and empty.
pub fn drain(acts: &mut Acts<'_>, members: usize) {
    let swarm = acts.deployment.swarm;
    // While others' acts are over: it is their members' node too.
    let node = WORKERS
        .into_iter()
        .max_by_key(|node| members_on(&acts.deployment, *node))
        .unwrap_or(WORKERS[0]);
    let drained = Drained { swarm, node };
    let name = format!(
        "drain of node {node} with {}",
        members_on(&acts.deployment, node)
    );
    acts.act_alone(
        &name,
        members,
        |_| {
            let asked = swarm.set_availability(node, "drain");
            asked.expect("the node can be drained");
        },
        |deployment| {
            let (left, all) = (members_on(deployment, node), deployment.members().len());
            let done = left == 0 && all == members;
            done.then_some(())
                .ok_or(format!("{left} are still there, {all} of {members} run"))
        },
    );
    drop(drained);
}

/// How many members run there, those on their way out included.
fn members_on(deployment: &Deployment<'_>, node: usize) -> usize {
    let tasks = deployment.stack().tasks(deployment.database.service());
    let tasks = tasks.expect("the manager answers");
    let here = |id: &str| deployment.swarm.index_of(id) == Some(node);
    tasks
        .iter()
        .filter(|task| task.state == "running" && here(&task.node_id))
        .count()
}

/// A node that is drained, and active again when this goes out of scope.
struct Drained<'a> {
    swarm: &'a Swarm,
    node: usize,
}

impl Drop for Drained<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.swarm.set_availability(self.node, "active") {
            eprintln!("node {} stays drained: {error}", self.node);
        }
    }
}
