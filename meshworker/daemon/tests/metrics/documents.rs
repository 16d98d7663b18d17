//! docs/metrics.md, the alerts and the dashboard, held against the registry.

use std::collections::BTreeSet;
use std::path::PathBuf;

use meshworker::board::{Board, Powers};
use meshworker::metrics::{Kind, registry};
use meshworker_core::{Change, Gate};
use serde_json::Value;

use crate::looks::{cluster, story};
use crate::scraped::get;
use crate::text::{family, read};

/// Set to `1`, this variable lets the tests write what they compare.
const UPDATE: &str = "MESHWORKER_UPDATE_DOCS";

fn docs(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(file)
}

fn text(file: &str) -> String {
    std::fs::read_to_string(docs(file)).unwrap_or_default()
}

/// Compares a file's text with what it should be, or writes it.
fn hold(file: &str, expected: &str) {
    if std::env::var(UPDATE).is_ok_and(|value| value == "1") {
        std::fs::write(docs(file), expected).unwrap();
        return;
    }
    assert_eq!(
        text(file),
        expected,
        "run this test with {UPDATE}=1 to write docs/{file}"
    );
}

/// All names that begin like a series of this program.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    words
        .filter(|word| word.starts_with("meshworker_"))
        .collect()
}

#[test]
fn the_table_of_metrics_is_the_registry() {
    let mut table = String::from("\n| metric | type | labels | is |\n|---|---|---|---|\n");
    for family in registry::ALL {
        let (name, kind, help) = (family.name, family.kind.name(), family.help);
        let labels: Vec<String> = family.labels.iter().map(|l| format!("`{l}`")).collect();
        table += &format!("| `{name}` | {kind} | {} | {help} |\n", labels.join(", "));
    }
    table.push('\n');
    let page = text("metrics.md");
    let (before, rest) = page.split_once("<!-- metrics -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- /metrics -->").unwrap();
    let page = format!("{before}<!-- metrics -->\n{table}<!-- /metrics -->{after}");
    hold("metrics.md", &page);
}

#[test]
fn names_and_help_follow_the_conventions() {
    for family in registry::ALL {
        let name = family.name;
        assert_eq!(
            name.ends_with("_total"),
            family.kind == Kind::Counter,
            "{name}"
        );
        assert!(
            family.help.ends_with('.') && !family.help.contains('\n'),
            "{name}"
        );
        assert!(
            !family.help.contains('\\') && !family.help.contains('|'),
            "{name}"
        );
        // A member, an address or an error text would be without bound.
        let bounded = [
            "answers", "cluster", "engine", "grade", "kind", "outcome", "part", "release", "role",
            "severity", "state", "unit", "version", "witness",
        ];
        let strange = family.labels.iter().find(|label| !bounded.contains(label));
        assert_eq!(strange, None, "{name}");
        let clusters = family
            .labels
            .first()
            .is_none_or(|label| *label == "cluster");
        let of_all = ["meshworker_build_info", "meshworker_group_members"];
        assert!(clusters || of_all.contains(&name), "{name}");
    }
    let names: BTreeSet<_> = registry::ALL.iter().map(|family| family.name).collect();
    assert_eq!(names.len(), registry::ALL.len());
}

#[tokio::test]
async fn the_example_is_what_a_scrape_gets() {
    let board = Board::new(Powers::default());
    let open = board.open(&cluster("cache", "redis"));
    for look in story() {
        open.sheet().publish(look);
    }
    let (_, page) = get(board).await;
    read(&page);
    hold("prometheus/example.txt", &page);
}

#[test]
fn every_metric_that_documents_name_exists() {
    let files = [
        "metrics.md",
        "prometheus/alerts.yml",
        "prometheus/alerts_test.yml",
        "prometheus/grafana.json",
    ];
    for file in files {
        let text = text(file);
        let names = named(&text);
        assert!(!names.is_empty(), "{file} names no metric");
        let families = |name: &str| registry::ALL.iter().any(|family| family.name == name);
        let known = |name: &str| family(name).is_some() || (file == "metrics.md" && families(name));
        let unknown: Vec<_> = names.into_iter().filter(|name| !known(name)).collect();
        assert_eq!(unknown, Vec::<&str>::new(), "{file}");
    }
}

#[test]
fn every_alert_is_explained_and_tested_both_ways() {
    let (rules, tests, page) = (
        text("prometheus/alerts.yml"),
        text("prometheus/alerts_test.yml"),
        text("metrics.md"),
    );
    let alerts: Vec<&str> = rules.split("- alert: ").skip(1).collect();
    assert!(alerts.len() > 10);
    for rule in alerts {
        let name = rule.lines().next().unwrap();
        for key in ["expr:", "severity:", "summary:", "description:", "runbook:"] {
            assert!(rule.contains(key), "{name} has no {key}");
        }
        let said = rule.split("description:").nth(1).unwrap();
        let said = said.lines().next().unwrap();
        let time = |word: &str| ["minute", "hour"].iter().any(|unit| word.starts_with(unit));
        // But for times that stand in the expression.
        let timed = said.split(' ').any(time) && !rule.contains("> 900");
        assert!(!timed, "{name} repeats its `for`, which is to be changed");
        assert!(
            page.contains(&format!("| {name} |")),
            "docs/metrics.md has no {name}"
        );
        let asked = tests.split("alertname: ").skip(1);
        let asked: Vec<&str> = asked
            .filter(|test| test.lines().next() == Some(name))
            .collect();
        let silent = asked.iter().filter(|test| test.contains("exp_alerts: []"));
        let silent = silent.count();
        assert!(silent > 0, "no test sees {name} silent");
        assert!(asked.len() > silent, "no test sees {name} fire");
    }
    for line in page.lines().filter(|line| line.starts_with("| Meshworker")) {
        let name = line.split(' ').nth(1).unwrap();
        assert!(
            rules.contains(&format!("- alert: {name}\n")),
            "there is no alert {name}"
        );
    }
    // Kinds that a rule names are those that the core gives.
    for (change, gate) in [
        (Change::Part, Gate::DataSafe),
        (Change::Part, Gate::Floor),
        (Change::Forget, Gate::DataSafe),
    ] {
        let kind = change.closed(gate, "").kind();
        assert!(rules.contains(&kind), "no alert names {kind}");
    }
}

#[test]
fn the_dashboard_is_whole() {
    let dashboard: Value = serde_json::from_str(&text("prometheus/grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    let mut shown = String::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        assert!(
            ids.insert(panel["id"].as_u64().unwrap()),
            "{title}: its id is taken"
        );
        let place = &panel["gridPos"];
        let right = place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap();
        assert!(right <= 24, "{title} is beyond the edge");
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            assert!(!named(expression).is_empty(), "{title}: {expression}");
            assert!(
                expression.contains("cluster=~\"$cluster\""),
                "{title}: {expression}"
            );
            shown += expression;
        }
    }
    for family in [
        "cluster_one",
        "members",
        "steps_total",
        "refusals",
        "leavers",
        "join_duration_seconds_bucket",
    ] {
        assert!(
            shown.contains(&format!("meshworker_{family}{{")),
            "{family} is not shown"
        );
    }
}
