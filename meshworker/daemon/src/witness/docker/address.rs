//! Which of a task's addresses is the one that members and worker share.

use std::net::IpAddr;

use crate::docker::{Attachment, Task};

/// The task's addresses on the network, or why that is not clear.
///
/// A task that is attached to nothing yet has none, and that is no error.
///
/// # Errors
///
/// In words for the operator: the task is not on the named network, or on
/// several and none is named, or on none that members could share.
pub(super) fn addresses(task: &Task, network: Option<&str>) -> Result<Vec<IpAddr>, String> {
    let attached: Vec<&Attachment> = task.attachments.0.iter().collect();
    if attached.is_empty() {
        return Ok(Vec::new());
    }
    let shared: Vec<&Attachment> = attached.into_iter().filter(|a| is_shared(a)).collect();
    let chosen = match (network, shared.as_slice()) {
        (Some(wanted), shared) => shared
            .iter()
            .find(|a| a.network.spec.name == wanted || a.network.id == wanted)
            .ok_or_else(|| format!("not on network {wanted}, but on {}", names(shared)))?,
        (None, [only]) => only,
        (None, []) => return Err("on no overlay network".into()),
        (None, several) => {
            return Err(format!(
                "on several networks: set `network` to one of {}",
                names(several)
            ));
        }
    };
    Ok(chosen.addresses().collect())
}

/// Whether a task's peers can be reached there: an overlay that is not the
/// routing mesh's. A network whose driver is not told is given the benefit of
/// the doubt.
fn is_shared(attachment: &Attachment) -> bool {
    let network = &attachment.network;
    let driver = network.driver_state.as_ref().map(|d| d.name.as_str());
    let is_ingress = network.spec.ingress || network.spec.name == "ingress";
    let is_local = matches!(driver, Some("host" | "bridge" | "null" | "none"));
    !is_ingress && !is_local
}

fn names(attachments: &[&Attachment]) -> String {
    let mut names: Vec<&str> = attachments
        .iter()
        .map(|attachment| attachment.network.spec.name.as_str())
        .collect();
    names.sort_unstable();
    if names.is_empty() {
        return "no other".into();
    }
    names.join(", ")
}
