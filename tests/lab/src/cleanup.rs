//! Removing labs: the caller's own, and those whose owner died without doing it.
//!
//! Everything here works from what the lab wrote down, in any process, at any time, and any number of times.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::network::Network;
use crate::record::{LabRecord, NodeRecord, lab_directories, node_directory};
use crate::{Host, LabError, Result, engine, guard, wait_for};

/// The kernel lets go of a control group, and of the files in a mount, some milliseconds after their last process.
const LET_GO: Duration = Duration::from_secs(120);

/// Stops every node of the lab in this directory and removes all that belongs to it: processes, mounts, interfaces,
/// the iptables rule, control groups, files. What is gone already is fine.
///
/// # Errors
///
/// The first thing that could not be removed; the rest is still tried.
pub fn remove_lab(lab: &Path) -> Result<()> {
    // An interrupt and the end of a test may both remove a lab, and each part is removed by whoever is first.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let removed = match LabRecord::read(lab) {
        Ok(record) => remove_parts(lab, &record),
        // Nothing was made yet: the record comes right after the reservation of the network.
        Err(LabError::File { .. }) => Ok(()),
        Err(error) => Err(error),
    };
    let removed = removed.and_then(|()| remove_directory(lab));
    guard::release(lab);
    removed
}

/// Removes the labs whose owner has died, and returns their directories. Labs that are meant to stay are left alone,
/// as are the labs of programs that still run.
///
/// # Errors
///
/// The first thing that could not be removed.
pub fn sweep() -> Result<Vec<PathBuf>> {
    // Nobody else can have made one, or could remove it.
    if !Host::is_root() {
        return Ok(Vec::new());
    }
    // Two programs that start at the same moment must not both remove the same lab.
    let lock = std::env::temp_dir().join("meshworker-lab.lock");
    let file = File::create(&lock).map_err(LabError::file("create", &lock))?;
    file.lock().map_err(LabError::file("lock", &lock))?;
    let (mut swept, mut failed) = (Vec::new(), Ok(()));
    for lab in lab_directories() {
        let abandoned = match LabRecord::read(&lab) {
            Ok(record) => record.owner.is_some_and(|owner| !owner.is_running()),
            Err(_) => false,
        };
        if abandoned {
            // One that cannot be removed keeps nobody from removing the others.
            match remove_lab(&lab) {
                Ok(()) => swept.push(lab),
                Err(error) => failed = Err(error),
            }
        }
    }
    failed.map(|()| swept)
}

fn remove_parts(lab: &Path, record: &LabRecord) -> Result<()> {
    let killed = std::thread::scope(|scope| {
        let kills: Vec<_> = (1..=record.nodes)
            .filter_map(|index| NodeRecord::read(&node_directory(lab, index)).ok())
            .map(|node| scope.spawn(move || engine::kill(node.engine)))
            .collect();
        kills
            .into_iter()
            .map(|kill| kill.join().unwrap_or(Err(LabError::Interrupted)))
            .collect::<Result<Vec<()>>>()
    });
    let unplugged = match record.network {
        Some(number) => Network { number }.remove(record.nodes),
        None => Ok(()),
    };
    let groups = remove_control_group(&record.control_group);
    killed.map(drop).and(unplugged).and(groups)
}

/// Removes a control group with its children, from every hierarchy.
fn remove_control_group(name: &str) -> Result<()> {
    let root = Path::new("/sys/fs/cgroup");
    let mut roots = vec![root.to_owned()];
    if let Ok(entries) = std::fs::read_dir(root) {
        roots.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
    }
    for group in roots.iter().map(|root| root.join(name)) {
        if group.is_dir() {
            wait_for(
                format!("control group {} to be free", group.display()),
                LET_GO,
                || remove_tree_of_groups(&group).map_err(|error| error.to_string()),
            )?;
        }
    }
    Ok(())
}

/// Of a control group only the directories are removed, children first; the files in them are the kernel's.
fn remove_tree_of_groups(group: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(group)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree_of_groups(&entry.path())?;
        }
    }
    std::fs::remove_dir(group)
}

fn remove_directory(lab: &Path) -> Result<()> {
    wait_for(
        format!("{} to be removable", lab.display()),
        LET_GO,
        || match std::fs::remove_dir_all(lab) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
            _ => Ok(()),
        },
    )
}

/// Copies the engines' logs out of a lab that is about to go, because a failed test is often explained there.
pub(crate) fn keep_logs(lab: &Path, nodes: usize) {
    let name = lab.file_name().unwrap_or_default().to_string_lossy();
    let kept = lab.with_file_name(format!("failed-{name}"));
    let copied = std::fs::create_dir_all(&kept).and_then(|()| {
        (1..=nodes).try_for_each(|index| {
            let log = node_directory(lab, index).join("log");
            std::fs::copy(log, kept.join(format!("engine-{index}.log"))).map(drop)
        })
    });
    if copied.is_ok() {
        guard::tell(format_args!("the engines' logs are in {}", kept.display()));
    }
}
