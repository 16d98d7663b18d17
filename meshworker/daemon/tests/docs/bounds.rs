//! The table of what a worker may take, and the stack files that let it have that.

use meshworker::bounds::BOUNDS;

use crate::page::root;

const MIB: usize = 1 << 20;

/// The first two cells of each row below this heading.
fn rows(heading: &str) -> Vec<(String, usize)> {
    let text = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    let section = text.split(heading).nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
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

#[test]
fn the_table_of_bounds_adds_up_and_fits_the_stacks() {
    let bounds = BOUNDS.map(|bound| (bound.what.to_owned(), bound.bytes.div_ceil(MIB)));
    let all = bounds.iter().map(|(_, mib)| mib).sum::<usize>();
    let mut expected = bounds.to_vec();
    expected.push(("all of it".to_owned(), all));
    assert_eq!(rows("## What it may take"), expected);
    for stack in ["redis.yml", "aerospike.yml"] {
        let text = std::fs::read_to_string(root().join("stack").join(stack)).unwrap();
        let worker = text.split("\n  meshworker:\n").nth(1).unwrap();
        let limit = worker.split("memory: ").nth(1).unwrap();
        let limit: usize = limit.split('M').next().unwrap().parse().unwrap();
        assert!(
            all <= limit,
            "{stack}: {limit} MiB for a worker that may take {all}"
        );
    }
}
