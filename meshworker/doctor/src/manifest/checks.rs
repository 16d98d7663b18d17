//! The checks of manifests.

use super::object::{Manifests, at, items, text};
use super::pod::{Runs, runs};
use crate::check::{Check, Outcome, Unmade};
use crate::finding::{Finding, Severity};

/// Every check of manifests, in the order of the documentation.
pub const CHECKS: &[Check<Manifests>] = &[
    ORDER, NAME, SERVICE, GRACE, READY, KILLS, SECRETS, WHO, BUDGET, RIGHTS,
];

/// What is found of each member.
fn of_members(all: &Manifests, find: impl Fn(Runs<'_>) -> Option<Finding>) -> Outcome {
    let mut members = runs(all, "init").peekable();
    if members.peek().is_none() {
        return Err(Unmade::Nothing(
            "no StatefulSet runs `meshworker init`".into(),
        ));
    }
    Ok(members.filter_map(find).collect())
}

fn of(runs: Runs<'_>, severity: Severity, what: &str) -> Finding {
    Finding::new(severity, runs.set.subject(), what).at(Some(runs.set.place()))
}

const ORDER: Check<Manifests> = Check {
    name: "k8s-order",
    finds: "a StatefulSet that makes the next member only once the one before it is ready",
    run: |all| {
        of_members(all, |member| {
            member.probes_health("readinessProbe")?;
            let policy = member.set.at("spec.podManagementPolicy");
            if policy.and_then(text) == Some("Parallel") {
                return None;
            }
            let found = of(member, Severity::Error, "Its podManagementPolicy is OrderedReady.")
                .why("The first member is ready once it is in a cluster, a cluster takes the others, and they are made once the first is ready: none ever forms. Updates go one at a time in either policy.")
                .instead("podManagementPolicy: Parallel");
            Some(match policy {
                Some(policy) => found.at(Some(&policy.place)),
                None => found,
            })
        })
    },
};

const NAME: Check<Manifests> = Check {
    name: "k8s-service-name",
    finds: "a StatefulSet whose members have no names of their own",
    run: |all| {
        of_members(all, |member| {
            let name = member.set.text("spec.serviceName").unwrap_or_default();
            name.is_empty().then(|| {
                of(member, Severity::Error, "It has no serviceName.")
                    .why("A member's own name, NAME-0.SERVICE, exists only with it.")
                    .instead(format!("serviceName: {}", member.set.name))
            })
        })
    },
};

const SERVICE: Check<Manifests> = Check {
    name: "k8s-headless",
    finds: "members behind one address, or hidden until they are ready",
    run: |all| {
        of_members(all, |member| {
            let name = member.set.text("spec.serviceName")?;
            let service = all.of("Service").find(|service| service.name == name)?;
            let found = |severity, what: &str| {
                Finding::new(severity, service.subject(), what).at(Some(service.place()))
            };
            if service.text("spec.clusterIP") != Some("None") {
                return Some(
                    found(Severity::Error, "It has a cluster IP.")
                        .why("Its name leads to one address for all members: workers cannot tell them apart.")
                        .instead("clusterIP: None"),
                );
            }
            let published = service.text("spec.publishNotReadyAddresses") == Some("true");
            (!published).then(|| {
                found(Severity::Warning, "It hides members that are not ready.")
                    .why("A member is ready once it is in the cluster. With DNS alone nobody would find it; and one that fails its probe looks as if it were gone.")
                    .instead("publishNotReadyAddresses: true, and a service of its own for clients")
            })
        })
    },
};

const GRACE: Check<Manifests> = Check {
    name: "k8s-grace",
    finds: "a grace period that is missing, short, or another one than the supervisor is told",
    run: |all| {
        of_members(all, |member| {
            let given = member.pod("terminationGracePeriodSeconds");
            let seconds: u64 = given
                .and_then(text)
                .map_or(Some(30), |text| text.parse().ok())?;
            let told = member
                .variable("MESHWORKER_GRACE")
                .and_then(|one| one.get("value"));
            let told: u64 = told
                .and_then(text)
                .map_or(Some(10), |text| text.parse().ok())?;
            let found = if told > seconds {
                of(
                    member,
                    Severity::Error,
                    &format!(
                        "Its grace period is {seconds} s, and its supervisor believes in {told} s."
                    ),
                )
                .why("It is killed while it still hands over what it holds.")
            } else if seconds < 120 {
                of(member, Severity::Warning, &format!("Its grace period is {seconds} s."))
                    .why("A member that holds much is killed before all of it is elsewhere. One that holds nothing goes at once, however long the period.")
            } else if told < seconds {
                of(member, Severity::Warning, &format!("Its grace period is {seconds} s, and its supervisor gives up after {told} s."))
                    .why("The rest of the time is not used.")
            } else {
                return None;
            };
            let found =
                found.instead("terminationGracePeriodSeconds: 600, MESHWORKER_GRACE: \"600\"");
            Some(match given {
                Some(given) => found.at(Some(&given.place)),
                None => found,
            })
        })
    },
};

const READY: Check<Manifests> = Check {
    name: "k8s-readiness",
    finds: "members whose readiness says nothing, so that an update does not wait for them",
    run: |all| {
        of_members(all, |member| {
            member.probes_health("readinessProbe").is_none().then(|| {
                of(member, Severity::Error, "Its readiness is not what `meshworker health` says.")
                    .why("An update takes the next member while this one still receives its data: copies that lie on both are lost.")
                    .instead("readinessProbe:\n  exec:\n    command: [/opt/meshworker/meshworker, health]\n  timeoutSeconds: 3")
            })
        })
    },
};

const KILLS: Check<Manifests> = Check {
    name: "k8s-liveness",
    finds: "a liveness probe that kills members which still receive their data",
    run: |all| {
        of_members(all, |member| {
            let probe = member
                .probes_health("livenessProbe")
                .or(member.probes_health("startupProbe"))?;
            let found = of(member, Severity::Error, "It is killed for as long as `meshworker health` says no.")
                .why("A member is healthy once it is in its place, which may take long; a cluster in trouble is not helped by killing its members.")
                .instead("readinessProbe alone: a database that ends is started again without any probe");
            Some(found.at(Some(&probe.place)))
        })
    },
};

const SECRETS: Check<Manifests> = Check {
    name: "k8s-secret-path",
    finds: "secrets where the service account's files are mounted",
    run: |all| {
        let both = runs(all, "init").chain(runs(all, "run"));
        let found = both.filter_map(|own| {
            let mounts = items(own.container.get("volumeMounts")).iter();
            let path = |mount: &&crate::stack::node::Node| {
                let path = mount.get("mountPath").and_then(text).unwrap_or_default();
                matches!(path.trim_end_matches('/'), "/run/secrets" | "/var/run/secrets")
            };
            let mount = mounts.clone().find(path)?;
            let token = own.pod("automountServiceAccountToken").and_then(text);
            (token != Some("false")).then(|| {
                of(own, Severity::Error, "A volume is mounted at /run/secrets.")
                    .why("The service account's files are mounted below it: the container does not start where it is read-only.")
                    .instead("mountPath: /etc/meshworker/NAME")
                    .at(Some(&mount.place))
            })
        });
        Ok(found.collect())
    },
};

const WHO: Check<Manifests> = Check {
    name: "k8s-identity",
    finds: "members or workers that are not told who they are",
    run: |all| {
        let both = runs(all, "init").chain(runs(all, "run"));
        let found = both.filter_map(|own| {
            let slot = own.variable("MESHWORKER_SLOT");
            let path = slot.and_then(|slot| at(slot, "valueFrom.fieldRef.fieldPath"));
            let path = path.and_then(text).unwrap_or_default();
            let fits = path == "metadata.name" || path.contains("apps.kubernetes.io/pod-index");
            (!fits).then(|| {
                let found = of(
                    own,
                    Severity::Error,
                    "MESHWORKER_SLOT is not the pod's own number.",
                )
                .why("Each replica is known by it, with its data.")
                .instead(
                    "- name: MESHWORKER_SLOT\n  valueFrom: {fieldRef: {fieldPath: metadata.name}}",
                );
                match slot {
                    Some(slot) => found.at(Some(&slot.place)),
                    None => found,
                }
            })
        });
        Ok(found.collect())
    },
};

const BUDGET: Check<Manifests> = Check {
    name: "k8s-budget",
    finds: "members of which a drained node takes several at once",
    run: |all| {
        of_members(all, |member| {
            let labels = member.set.at("spec.selector.matchLabels")?;
            let mut budgets = all.of("PodDisruptionBudget");
            let one = |budget: &&super::Object| {
                let same = budget.at("spec.selector.matchLabels");
                same.is_some_and(|same| same.says_as(labels))
                    && budget.text("spec.maxUnavailable") == Some("1")
            };
            budgets.find(one).is_none().then(|| {
                of(member, Severity::Warning, "No PodDisruptionBudget lets one of them go at a time.")
                    .why("Whoever drains two nodes takes two members at once, and the copies that lie on both.")
                    .instead("a PodDisruptionBudget with maxUnavailable: 1 and the StatefulSet's labels")
            })
        })
    },
};

const RIGHTS: Check<Manifests> = Check {
    name: "k8s-rights",
    finds: "workers that may not read the members' pods, so that nobody knows who comes back",
    run: |all| {
        let may = |worker: &Runs<'_>| {
            let account = worker.pod("serviceAccountName").and_then(text);
            let account = account.unwrap_or("default");
            let reads = |role: &super::Object| {
                role.allows("pods", &["list", "watch"]) && role.allows("statefulsets", &["get"])
            };
            let of_it = all.of("RoleBinding").filter(|binding| {
                items(binding.at("subjects")).iter().any(|subject| {
                    let says = |field: &str| subject.get(field).and_then(text);
                    says("kind") == Some("ServiceAccount") && says("name") == Some(account)
                })
            });
            let mut roles = of_it.flat_map(|binding| {
                let kind = binding.text("roleRef.kind").unwrap_or_default();
                let name = binding.text("roleRef.name");
                let role = all.0.iter().filter(move |role| role.kind == kind);
                role.filter(move |role| Some(role.name.as_str()) == name)
            });
            roles.any(reads)
        };
        let found = runs(all, "run").filter(|worker| {
            let asks = worker
                .variable("MESHWORKER_KUBERNETES")
                .and_then(|one| one.get("value"));
            asks.and_then(text) != Some("no")
        });
        let found = found.filter(|worker| !may(worker)).map(|worker| {
            of(worker, Severity::Hint, "No role that is bound to its account here lets it read pods and its StatefulSet.")
                .why("It goes by DNS and announcements then: who comes back nobody knows, and a dead node's members are not forgotten while DNS lists them.")
                .instead("stack/kubernetes/rights, or MESHWORKER_KUBERNETES: \"no\"")
        });
        Ok(found.collect())
    },
};
