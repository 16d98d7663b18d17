//! Which version of the file format an advice takes.

use super::Ground;
use super::checks::CHECKS;
use super::schema::since;
use crate::finding::Finding;
use crate::report::Diagnosis;

/// Makes every check of a stack. Advice that not every version of the file format
/// takes says which one it needs.
pub fn diagnosis(ground: &Ground) -> Diagnosis {
    let mut diagnosis = Diagnosis::of(CHECKS, ground);
    if let Some(version) = ground.stack.version {
        for finding in &mut diagnosis.findings {
            say(finding, version);
        }
    }
    diagnosis
}

/// The keys of advice that not every version has.
const KEYS: [&str; 8] = [
    "endpoint_mode",
    "max_replicas_per_node",
    "order",
    "preferences",
    "published",
    "rollback_config",
    "start_period",
    "type",
];

fn say(finding: &mut Finding, version: u8) {
    let keys = finding.instead.lines().filter_map(|line| {
        let (key, _) = line.trim_start_matches([' ', '-']).split_once(':')?;
        since(key).filter(|_| KEYS.contains(&key))
    });
    let Some(needed) = keys.max() else {
        return;
    };
    let words = match needed > version {
        true => {
            format!("version: \"3.{needed}\" # or later; the file's 3.{version} has no such key")
        }
        false => format!("# from version 3.{needed} of the file format on"),
    };
    finding.instead += &format!("\n{words}");
}
