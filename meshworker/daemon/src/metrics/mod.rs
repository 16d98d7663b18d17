//! What a worker can be measured by, in the text format of Prometheus
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>, version 0.0.4).
//!
//! ```text
//! Sheet::publish(Look) ──> Tally (counters, histograms) ──┐
//! Sheet: the last Look, the orders ─────> gauges ─────────┴──> Page ──> /metrics
//! ```
//!
//! Every family stands in [`registry`], and no other can be written. What is
//! counted belongs to a cluster's sheet and goes away with it. A scrape takes a
//! copy of the counters and shares the last look: a pass never waits for it.
//!
//! Labels are bounded: clusters, and names that stand in the source. Members,
//! addresses and error texts are no labels; the API has them.

mod counters;
mod family;
mod gauges;
mod names;
mod page;
pub mod registry;

use crate::board::Board;

pub use counters::write;
pub use family::{Family, Kind};
pub use page::Page;

/// The content type of what [`scrape`] makes.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that can be measured now.
pub fn scrape(board: &Board) -> String {
    let mut page = Page::default();
    let sheets = board.sheets();
    let ends = board.certificate().and_then(|shown| shown.ends());
    gauges::process(&mut page, sheets.len(), board.unproved(), ends);
    gauges::group(&mut page, &board.group_status());
    for sheet in &sheets {
        let counts = sheet.counts();
        counters::write(&counts, &mut page, sheet.name());
        gauges::cluster(&mut page, sheet, &counts);
    }
    page.text()
}
