//! The table of what a worker may take, and the stack files that let it have that.

use meshworker::bounds::{BOUNDS, Bound, GOSSIP_BOUNDS};

use crate::page::root;

const MIB: usize = 1 << 20;

/// The first two cells of each row below this heading.
fn rows(heading: &str) -> Vec<(String, usize)> {
    let text = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    let section = text.split(heading).nth(1).unwrap_or_default();
    let section = section.split("\n##").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    rows.skip(1)
        .map(|row| {
            let mut cells = row.split('|').map(str::trim).skip(1);
            let what = cells.next().unwrap_or_default().to_owned();
            let mib = cells.next().unwrap_or_default().parse();
            (what, mib.unwrap_or_else(|why| panic!("{row}: {why}")))
        })
        .collect()
}

/// Holds the table below this heading, and what these stacks let this service have.
fn holds(heading: &str, bounds: &[Bound], service: &str, stacks: &[&str]) {
    let bounds = bounds.iter();
    let bounds = bounds.map(|bound| (bound.what.to_owned(), bound.bytes.div_ceil(MIB)));
    let mut expected: Vec<_> = bounds.collect();
    let all = expected.iter().map(|(_, mib)| mib).sum::<usize>();
    expected.push(("all of it".to_owned(), all));
    assert_eq!(rows(heading), expected);
    for stack in stacks {
        let text = std::fs::read_to_string(root().join("stack").join(stack)).unwrap();
        let service = text.split(&format!("\n  {service}:\n")).nth(1).unwrap();
        let limit = service.split("memory: ").nth(1).unwrap();
        let limit: usize = limit.split('M').next().unwrap().parse().unwrap();
        assert!(all <= limit, "{stack}: {limit} MiB for what may take {all}");
    }
}

#[test]
fn the_table_of_bounds_adds_up_and_fits_the_stacks() {
    let stacks = ["redis.yml", "aerospike.yml"];
    holds("## What it may take", &BOUNDS, "meshworker", &stacks);
}

#[test]
fn the_table_of_a_gossip_router_adds_up_and_fits_its_stack() {
    let heading = "### What a gossip router may take";
    holds(heading, &GOSSIP_BOUNDS, "gossip", &["jgroups.yml"]);
}
