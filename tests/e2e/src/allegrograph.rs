//! AllegroGraph, asked by curl.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use meshworker_lab::Tools;
use meshworker_lab::images::Tested;

use crate::{Cluster, Database, World};

/// AllegroGraph: the simulated server, or the one that `AGRAPH_IMAGE` names. Its members are the
/// copies; the controlling one is asked beside them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allegrograph;

impl Allegrograph {
    /// Has `ask URL` log in. The password is on no command line: curl reads it as a file of its own.
    pub const ASK: &str = r#"p=$(cat /run/secrets/allegrograph-password)
ask() { printf 'user = "%s:%s"' "$AGRAPH_USER" "$p" | curl -s -m 6 -K - "$@"; }"#;

    /// Runs a script of curl calls in the tools container; `ask URL` logs in.
    ///
    /// # Errors
    ///
    /// What it said.
    pub fn script(tools: &Tools<'_>, script: &str) -> Result<String, String> {
        let whole = format!("{}\n{script}", Self::ASK);
        let done = tools.exec(&["sh", "-c", &whole]);
        done.map_err(|error| error.to_string())
    }

    /// The names and states of all instances, by the controlling server's word.
    fn instances(tools: &Tools<'_>) -> Result<Vec<(String, String)>, String> {
        let ask = "ask http://controlling:10035/repositories/main/repl/status";
        let text = Self::script(tools, ask)?;
        let listed: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        let all = listed.as_array().ok_or(text)?;
        let word = |one: &serde_json::Value, name: &str| one.get(name)?.as_str().map(str::to_owned);
        let words = all
            .iter()
            .filter_map(|one| Some((word(one, "instanceName")?, word(one, "state")?)));
        Ok(words.collect())
    }
}

impl Database for Allegrograph {
    fn name(&self) -> &'static str {
        "allegrograph"
    }

    fn stack(&self) -> PathBuf {
        World::stack("allegrograph.yml")
    }

    fn service(&self) -> &'static str {
        "copy"
    }

    fn env(&self) -> Vec<(String, String)> {
        let image = Tested::Allegrograph.reference().into();
        vec![
            ("AGRAPH_IMAGE".into(), image),
            // The lab has one manager, and its volumes stay.
            ("CONTROLLING_ON".into(), "node.role == manager".into()),
        ]
    }

    fn keeps_data(&self) -> bool {
        false
    }

    /// The controlling server lists itself and as many others as there are copies, and all of
    /// them run; whoever does not is departed. Each copy lists as many.
    fn cluster(&self, tools: &Tools<'_>, members: &[Ipv4Addr]) -> Result<Cluster, String> {
        let all = Self::instances(tools)?;
        let (run, gone): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(_, state)| state == "running");
        if run.len() != members.len() + 1 {
            return Err(format!("{run:?} run, {gone:?} do not"));
        }
        let list: Vec<String> = members.iter().map(ToString::to_string).collect();
        let script = format!(
            "for a in {}; do ask http://$a:10035/repositories/main/repl/status | grep -o instanceName | wc -l; done",
            list.join(" ")
        );
        let said = Self::script(tools, &script)?;
        let expected = (run.len() + gone.len()).to_string();
        if said.split_whitespace().any(|count| count != expected) {
            return Err(format!("copies list {said}, not {expected}"));
        }
        let names = |all: Vec<(String, String)>| -> BTreeSet<String> {
            all.into_iter().map(|(name, _)| name).collect()
        };
        Ok(Cluster {
            nodes: names(run),
            departed: names(gone),
            masters: BTreeSet::new(),
        })
    }

    fn write(&self, tools: &Tools<'_>, member: Ipv4Addr, count: usize) -> Result<(), String> {
        let script = format!(
            "for i in $(seq {count}); do ask -o /dev/null -w '%{{http_code}}\\n' -d \"<s> <p> \\\"$i\\\" .\" \
             http://{member}:10035/repositories/main/statements; done | grep -c ^204$"
        );
        let written = Self::script(tools, &script)?;
        match written.trim() == count.to_string() {
            true => Ok(()),
            false => Err(format!("{written} of {count} statements were written")),
        }
    }

    fn read(&self, tools: &Tools<'_>, member: Ipv4Addr, _: usize) -> Result<usize, String> {
        let script = format!("ask http://{member}:10035/repositories/main/size");
        let found = Self::script(tools, &script)?;
        found.trim().parse().map_err(|_| found)
    }
}
