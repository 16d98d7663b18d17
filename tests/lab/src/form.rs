//! Making one swarm of engines that have just started.

use crate::node::Node;
use crate::{LabError, Result};

/// Where swarm managers listen.
const MANAGER_PORT: u16 = 2377;

/// The first node starts the swarm, the others join it: as managers up to the number `managers`, then as workers.
pub(crate) fn form(nodes: &[Node], managers: usize) -> Result<()> {
    let (managers, workers) = nodes.split_at(managers.min(nodes.len()));
    let Some((first, managers)) = managers.split_first() else {
        return Ok(());
    };
    let docker = first.docker();
    let mut init = vec!["swarm".to_owned(), "init".into()];
    init.extend(advertise(first));
    docker.run(init)?;
    let token = |role| docker.run(["swarm", "join-token", "-q", role]);
    let (manager, worker) = (token("manager")?, token("worker")?);
    let remote = format!("{}:{MANAGER_PORT}", first.address());
    // One by one: each changes the quorum that the next one needs.
    for node in managers {
        join(node, &manager, &remote)?;
    }
    in_parallel(workers.iter(), |node| join(node, &worker, &remote))?;
    in_parallel(nodes.iter(), Node::learn_id).map(drop)
}

fn join(node: &Node, token: &str, remote: &str) -> Result<()> {
    let mut arguments = vec![
        "swarm".to_owned(),
        "join".into(),
        format!("--token={token}"),
    ];
    arguments.extend(advertise(node));
    arguments.push(remote.to_owned());
    node.docker().run(arguments).map(drop)
}

fn advertise(node: &Node) -> [String; 2] {
    let address = node.address();
    [
        format!("--advertise-addr={address}"),
        format!("--data-path-addr={address}"),
    ]
}

/// Runs `work` on all nodes at the same time, and returns all results or the first failure.
pub(crate) fn in_parallel<'a, T: Send>(
    nodes: impl Iterator<Item = &'a Node>,
    work: impl Fn(&'a Node) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    std::thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = nodes.map(|node| scope.spawn(move || work(node))).collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or(Err(LabError::Interrupted)))
            .collect()
    })
}
