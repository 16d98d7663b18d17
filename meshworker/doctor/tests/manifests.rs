//! The manifests as they are published, and the mistakes that each check finds in them.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};

use meshworker_doctor::manifest::{checks::CHECKS, is_manifest, parse};
use meshworker_doctor::report::Diagnosis;

const DATABASES: [&str; 3] = ["redis", "aerospike", "allegrograph"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stack/kubernetes")
}

/// What kustomize would put together: the files that this folder's kustomization names, also
/// those that it has in a comment.
fn files(database: &str) -> Vec<(String, String)> {
    let folder = folder().join(database);
    let text = fs::read_to_string(folder.join("kustomization.yaml")).unwrap();
    let lines = text.lines().map(|line| line.trim_start_matches([' ', '#']));
    let names = lines.filter_map(|line| line.strip_prefix("- "));
    let names = names.filter_map(|name| match name.strip_prefix("../") {
        Some(rights) => Some(format!("../{rights}/rights.yaml")),
        None => name.ends_with(".yaml").then(|| name.to_owned()),
    });
    let read = |name: String| {
        let text = fs::read_to_string(folder.join(&name)).unwrap();
        (name, text)
    };
    names.map(read).collect()
}

fn found(files: &[(String, String)]) -> Vec<String> {
    let diagnosis = Diagnosis::of(CHECKS, &parse(files).unwrap());
    let found = diagnosis.findings.iter();
    found
        .map(|found| format!("{} {} {}", found.check, found.severity, found.subject))
        .collect()
}

#[test]
fn the_published_manifests_have_no_mistake() {
    for database in DATABASES {
        let files = files(database);
        assert!(files.iter().all(|(_, text)| is_manifest(text)));
        assert_eq!(found(&files), Vec::<String>::new(), "{database}");
        let all = parse(&files).unwrap();
        let diagnosis = Diagnosis::of(CHECKS, &all);
        assert_eq!(
            (diagnosis.checked, diagnosis.skipped.len()),
            (CHECKS.len(), 0)
        );
    }
}

/// Each check, and what makes it find something in the manifests of Redis.
#[test]
fn each_check_finds_its_mistake_and_says_where() {
    let cases = [
        (
            "  podManagementPolicy: Parallel\n  selector:\n    matchLabels: {app: redis}",
            "  selector:\n    matchLabels: {app: redis}",
            "k8s-order error StatefulSet redis",
        ),
        (
            "  podManagementPolicy: Parallel\n  selector:\n    matchLabels: {app: redis}",
            "  podManagementPolicy: OrderedReady\n  selector:\n    matchLabels: {app: redis}",
            "k8s-order error StatefulSet redis",
        ),
        (
            "  serviceName: redis\n",
            "",
            "k8s-service-name error StatefulSet redis",
        ),
        (
            "  clusterIP: None\n  publishNotReadyAddresses: true\n  selector: {app: redis}",
            "  selector: {app: redis}",
            "k8s-headless error Service redis",
        ),
        (
            "  publishNotReadyAddresses: true\n  selector: {app: redis}",
            "  selector: {app: redis}",
            "k8s-headless warning Service redis",
        ),
        (
            "      terminationGracePeriodSeconds: 600\n",
            "",
            "k8s-grace error StatefulSet redis",
        ),
        (
            "GRACE, value: \"600\"",
            "GRACE, value: \"300\"",
            "k8s-grace warning StatefulSet redis",
        ),
        (
            "\"/opt/meshworker/meshworker\", \"health\"",
            "\"redis-cli\", \"ping\"",
            "k8s-readiness error StatefulSet redis",
        ),
        (
            "          readinessProbe:\n            exec:",
            "          livenessProbe: {exec: {command: [/opt/meshworker/meshworker, health]}}\n          readinessProbe:\n            exec:",
            "k8s-liveness error StatefulSet redis",
        ),
        (
            "/etc/meshworker/operator-token, readOnly",
            "/run/secrets, readOnly",
            "k8s-secret-path error StatefulSet meshworker",
        ),
        (
            "fieldPath: metadata.name",
            "fieldPath: metadata.namespace",
            "k8s-identity error StatefulSet redis",
        ),
        (
            "  maxUnavailable: 1\n",
            "  maxUnavailable: 2\n",
            "k8s-budget warning StatefulSet redis",
        ),
        (
            "[get, list, watch]",
            "[get]",
            "k8s-rights hint StatefulSet meshworker",
        ),
        (
            "resources: [statefulsets]",
            "resources: [statefulsets/scale]",
            "k8s-rights hint StatefulSet meshworker",
        ),
        (
            "kind: RoleBinding",
            "kind: Nothing",
            "k8s-rights hint StatefulSet meshworker",
        ),
        (
            "serviceAccountName: meshworker",
            "serviceAccountName: other",
            "k8s-rights hint StatefulSet meshworker",
        ),
    ];
    for (from, to, expected) in cases {
        let mut files = files("redis");
        let hit = files
            .iter_mut()
            .find(|(_, text)| text.contains(from))
            .unwrap();
        hit.1 = hit.1.replacen(from, to, 1);
        let found = found(&files);
        assert!(found.iter().any(|one| one == expected), "{to}: {found:?}");
    }
    // Where the mistake is: in its file, counted from its first line.
    let mut files = files("redis");
    files[0].1 = files[0]
        .1
        .replace("  clusterIP: None\n  publishNot", "  publishNot");
    let diagnosis = Diagnosis::of(CHECKS, &parse(&files).unwrap());
    let line = files[0]
        .1
        .lines()
        .position(|line| line == "kind: Service")
        .unwrap();
    let found = &diagnosis.findings[0];
    assert_eq!(found.file.as_deref(), Some("members.yaml"));
    assert_eq!(found.line, Some(line), "apiVersion stands above kind");
}

#[test]
fn what_is_no_object_is_refused_with_its_line() {
    let file = |text: &str| [("a.yaml".to_owned(), text.to_owned())];
    let refused = |text| parse(&file(text)).unwrap_err().to_string();
    assert_eq!(
        refused("a: 1\n---\n\nb: 2\n"),
        "a.yaml: line 1, column 1: an object without a kind"
    );
    assert!(refused("kind: A\n---\nkind: {\n").starts_with("a.yaml: line "));
    assert!(!is_manifest("services:\n  kind:\n    image: x\n"));
    let list = "kind: List\nitems:\n- {kind: StatefulSet, metadata: {name: a}}\n";
    assert_eq!(parse(&file(list)).unwrap().0.len(), 1);
}

/// Every setting of a supervisor or worker that a manifest gives, and what it mounts, fits
/// together: each volume that a container mounts exists.
#[test]
fn every_mount_has_its_volume() {
    for database in DATABASES {
        for (name, text) in files(database) {
            for mount in text
                .split("- {name: ")
                .skip(1)
                .filter(|rest| rest.contains("mountPath"))
            {
                let Some((volume, rest)) = mount.split_once(", ") else {
                    continue;
                };
                if !rest.starts_with("mountPath") {
                    continue;
                }
                let declared = [
                    format!("        - name: {volume}\n"),
                    format!("        name: {volume}\n"),
                ];
                assert!(
                    declared.iter().any(|line| text.contains(line)),
                    "{database}/{name}: {volume}"
                );
            }
        }
    }
}

/// A right to scale each StatefulSet of a namespace is one over other people's databases, and
/// over the workers' own.
#[test]
fn the_right_to_scale_was_one_over_every_statefulset() {
    let path = folder().join("rights-to-scale/rights.yaml");
    let text = fs::read_to_string(path).unwrap();
    assert!(
        text.contains("resourceNames: [redis, aerospike, copy]"),
        "{text}"
    );
    assert!(!text.contains("resources: [statefulsets]"));
}

/// An empty volume over the whole of it hid the folder without which the server ends at once.
#[test]
fn aerospikes_folder_of_functions_is_there_itself() {
    let path = folder().join("aerospike/members.yaml");
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains("mountPath: /opt/aerospike/usr/udf/lua, subPath"));
    let above = [
        "/opt/aerospike",
        "/opt/aerospike/usr",
        "/opt/aerospike/usr/udf",
    ];
    for path in above {
        assert!(!text.contains(&format!("mountPath: {path}, ")), "{path}");
    }
}

/// The objects of this kind and name in AllegroGraph's manifests, each as its own text.
fn of_allegrograph(kind: &str, name: &str) -> String {
    let files = files("allegrograph");
    let mut objects = files.iter().flat_map(|(_, text)| text.split("\n---\n"));
    let (kind, name) = (format!("kind: {kind}\n"), format!("\n  name: {name}\n"));
    let found = objects.find(|text| text.contains(&kind) && text.contains(&name));
    found.unwrap_or_else(|| panic!("{kind}{name}")).to_owned()
}

/// The controlling member keeps what it has through every move, repositories and accounts
/// together; a copy keeps nothing, since what was taken out never comes in again.
#[test]
fn allegrographs_controlling_member_has_a_volume_of_its_own_and_copies_have_none() {
    let controlling = of_allegrograph("StatefulSet", "controlling");
    let copy = of_allegrograph("StatefulSet", "copy");
    assert!(controlling.contains("  replicas: 1\n"));
    let keeps = "RetentionPolicy: {whenDeleted: Retain, whenScaled: Retain}";
    for kept in [
        "  volumeClaimTemplates:\n",
        keeps,
        "{name: data, mountPath: /data}",
        "{name: data, mountPath: /app/agraph/data, subPath: slot-0}",
        "{name: MESHWORKER_DATA_DIR, value: /data}",
    ] {
        assert!(controlling.contains(kept), "{kept}");
        assert!(!copy.contains(kept), "{kept}");
    }
    assert!(copy.contains("        - name: data\n          emptyDir: {}\n"));
    // All that differs otherwise is whose it is.
    for both in [&controlling, &copy] {
        for probe in ["startupProbe", "livenessProbe"] {
            let asks = format!("{probe}:\n            httpGet: {{path: /version, port: http}}");
            assert!(both.contains(&asks), "{probe}");
        }
        assert!(
            both.contains("readOnlyRootFilesystem: true") && both.contains("runAsNonRoot: true")
        );
    }
}

/// Main and chosen instances are reached from outside, each by a balancer of its own.
#[test]
fn allegrographs_balancers_lead_to_the_controlling_member_and_to_a_chosen_copy() {
    let chosen = "statefulset.kubernetes.io/pod-name: copy-0";
    for (name, leads) in [("main", "selector: {app: controlling}"), ("copy-0", chosen)] {
        let service = of_allegrograph("Service", name);
        assert!(
            service.contains("type: LoadBalancer") && service.contains(leads),
            "{service}"
        );
        assert!(service.contains("loadBalancerSourceRanges: "), "{service}");
    }
    for (name, headless) in [
        ("controlling", true),
        ("copy", true),
        ("copy-clients", false),
    ] {
        let service = of_allegrograph("Service", name);
        assert_eq!(service.contains("  clusterIP: None\n"), headless, "{name}");
        assert_eq!(
            service.contains("  publishNotReadyAddresses: true\n"),
            headless,
            "{name}"
        );
    }
}
