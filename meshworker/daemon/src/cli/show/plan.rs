//! The plan of the last pass.

use super::parts::{self, paint, section};
use super::{Ink, Style, wrap};
use crate::status::PlanStatus;

/// The plan's page: requests and refusals, with what each rests on.
pub fn plan(cluster: &str, plan: &PlanStatus, style: &Style) -> String {
    let title = match (plan.steps.len(), plan.refusals.len()) {
        (0, 0) => "nothing to do, and nothing is refused".to_owned(),
        (steps, refusals) => format!("requests: {steps}, refusals: {refusals}"),
    };
    let mut lines = paint(
        wrap(&format!("{cluster}: {title}"), style.width, "", "  "),
        Some(Ink::Bold),
        style,
    );
    let steps = plan.steps.iter().flat_map(|step| {
        let evidence = step.evidence.iter();
        let evidence = evidence.flat_map(|seen| parts::detail(seen, style));
        parts::step(step, style).into_iter().chain(evidence)
    });
    lines.extend(section(parts::steps_title(plan), steps.collect(), style));
    let refusals = plan.refusals.iter().flat_map(|refusal| {
        let evidence = refusal.evidence.iter();
        let evidence = evidence.flat_map(|seen| parts::detail(seen, style));
        parts::refusal(refusal, style).into_iter().chain(evidence)
    });
    lines.extend(section("not done, and why", refusals.collect(), style));
    lines.join("\n")
}
