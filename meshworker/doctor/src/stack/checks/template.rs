//! Templates where Swarm fills nothing in.

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::Ground;
use crate::stack::model::Service;

/// What templates of Swarm begin with; other programs have others.
const SWARM: [&str; 4] = [".Service.", ".Node.", ".Task.", "index .Service."];

/// Whether a text holds a template of Swarm's.
pub fn is_template(text: &str) -> bool {
    let mut templates = text.split("{{").skip(1);
    templates.any(|rest| SWARM.iter().any(|name| rest.trim_start().starts_with(name)))
}

pub const CHECK: Check<Ground> = Check {
    name: "template",
    finds: "templates such as {{.Task.Slot}} where Swarm fills nothing in",
    run: |ground| {
        let mut findings = Vec::new();
        let members: Vec<&Service> = ground.clusters().map(|cluster| cluster.member).collect();
        for service in &ground.stack.services {
            let severity = match members.iter().any(|member| member.name == service.name) {
                true => Severity::Error,
                false => Severity::Warning,
            };
            let finding = |what: String| {
                Finding::new(severity, service.subject(), what)
                    .why("Swarm fills in templates in the environment, the host name and mounts, and nowhere else: all replicas get this very text.")
                    .instead("environment:\n  SLOT: \"{{.Task.Slot}}\"\n# and a shell in the container that uses it: $$SLOT")
            };
            let command = service.words.iter().any(|word| is_template(word));
            let health = service.health.as_ref();
            let probe =
                health.filter(|health| health.value.test.iter().any(|word| is_template(word)));
            let labels = service
                .container_labels
                .values()
                .chain(service.labels.values());
            let label = labels.into_iter().find(|label| is_template(&label.value));
            if command {
                findings.push(
                    finding("A template stands in its command.".into())
                        .at(service.words_place.as_ref()),
                );
            }
            if let Some(probe) = probe {
                findings.push(
                    finding("A template stands in its health check.".into())
                        .at(probe.place.as_ref()),
                );
            }
            if let Some(label) = label {
                findings
                    .push(finding("A template stands in a label.".into()).at(label.place.as_ref()));
            }
        }
        Ok(findings)
    },
};
