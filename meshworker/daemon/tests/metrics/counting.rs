//! What is counted of each pass.

use meshworker::board::Look;
use meshworker::board::{Tally, of};
use meshworker::metrics::{self, Page};
use meshworker_core::{Reason, Refusal, Witness};
use std::slice::from_ref;

use crate::looks::{held, leaver, look, present, step, story, unsafe_to_go};
use crate::text::{Sample, read, value};

fn counted(looks: &[Look]) -> Vec<Sample> {
    let mut tally = Tally::default();
    for look in looks {
        tally.note(look, &of::states(look));
    }
    let mut page = Page::default();
    metrics::write(&tally.counts(), &mut page, "db");
    read(&page.text())
}

fn everybody(slots: &[u8]) -> Vec<meshworker_core::Report> {
    vec![present(Witness::Dns, slots)]
}

#[test]
fn a_pass_its_length_its_views_and_its_answers_are_counted() {
    let counted = counted(&story());
    let is = |name: &str, labels: &[(&str, &str)]| value(&counted, name, labels);
    assert_eq!(is("passes_total", &[]), Some(2.0));
    let below = |bound| is("pass_duration_seconds_bucket", &[("le", bound)]);
    assert_eq!((below("0.025"), below("0.5")), (Some(1.0), Some(2.0)));
    assert_eq!(is("pass_duration_seconds_sum", &[]), Some(0.32));
    assert_eq!(is("views_total", &[("outcome", "answered")]), Some(8.0));
    assert_eq!(is("views_total", &[("outcome", "unanswered")]), Some(1.0));
    let answers = |grade| {
        is(
            "witness_answers_total",
            &[("witness", "dns"), ("grade", grade)],
        )
    };
    // What the source said is no label.
    assert_eq!(
        (answers("answer"), answers("failed")),
        (Some(1.0), Some(1.0))
    );
    assert_eq!(answers("nxdomain"), Some(0.0));
}

#[test]
fn steps_are_counted_when_they_are_made() {
    let mut planned = look(1, everybody(&[1]), &[1], &[]);
    planned.steps = vec![
        step("join", Some(true)),
        step("join", Some(true)),
        step("forget", Some(false)),
        step("forget", None),
    ];
    let counted = counted(&[planned]);
    let steps = |kind, outcome| {
        let labels = [("kind", kind), ("outcome", outcome)];
        value(&counted, "steps_total", &labels).unwrap()
    };
    assert_eq!((steps("join", "ok"), steps("join", "failed")), (2.0, 0.0));
    assert_eq!(
        (steps("forget", "ok"), steps("forget", "failed")),
        (0.0, 1.0)
    );
    assert_eq!((steps("leave", "ok"), steps("arrange", "ok")), (0.0, 0.0));
}

#[test]
fn a_refusal_counts_when_it_comes_to_stand_and_not_while_it_does() {
    let kind = [("kind", "release_gate_5_data_safe")];
    let after = |refusals: &[&[Refusal]]| {
        let looks: Vec<Look> = (1..)
            .zip(refusals)
            .map(|(number, refusals)| {
                let mut look = look(number, everybody(&[1]), &[1], &[]);
                look.refusals = refusals.to_vec();
                look
            })
            .collect();
        value(&counted(&looks), "refusals_total", &kind)
    };
    let (more, less) = (unsafe_to_go(4, "5461 slots"), unsafe_to_go(4, "12 slots"));
    let other = unsafe_to_go(5, "5461 slots");
    assert_eq!(after(&[from_ref(&more), from_ref(&less)]), Some(1.0));
    assert_eq!(after(&[from_ref(&more), &[less, other]]), Some(2.0));
    assert_eq!(after(&[from_ref(&more), &[], from_ref(&more)]), Some(2.0));
    let awaiting = Reason::Awaiting {
        attempts: 1,
        left: std::time::Duration::from_secs(1),
    };
    let awaited = Refusal::new("join 10.0.1.3", awaiting);
    let mut look = look(1, everybody(&[1]), &[1], &[]);
    look.refusals = vec![awaited];
    assert_eq!(value(&counted(&[look]), "refusals_total", &[]), None);
}

#[test]
fn a_join_lasts_from_the_pass_that_wanted_it_to_the_one_that_saw_it_in() {
    let joins = |looks: &[Look]| {
        let counted = counted(looks);
        let is = |name| value(&counted, name, &[]).unwrap();
        let sum = is("join_duration_seconds_sum");
        (is("join_duration_seconds_count"), (sum * 1000.0).round())
    };
    // In before anybody looked, and in at first sight later on.
    let old = look(1, everybody(&[1, 2]), &[1, 2], &[]);
    let found = look(2, everybody(&[1, 2, 3]), &[1, 2, 3], &[]);
    assert_eq!(joins(&[old.clone(), found]), (0.0, 0.0));
    // Wanted from the second look on, silent in the third, in at the fourth: two
    // seconds, and the 20 ms that the second look took.
    let come = look(2, everybody(&[1, 2, 3]), &[1, 2], &[3]);
    let silent = look(3, everybody(&[1, 2, 3]), &[1, 2], &[]);
    let joined = look(4, everybody(&[1, 2, 3]), &[1, 2, 3], &[]);
    let story = [old.clone(), come.clone(), silent.clone(), joined.clone()];
    assert_eq!(joins(&story), (1.0, 2020.0));
    // Whoever falls out and comes back was in already.
    let mut again = look(6, everybody(&[1, 2, 3]), &[1, 2, 3], &[]);
    again.refusals.clear();
    let fallen = look(5, everybody(&[1, 2, 3]), &[1, 2], &[3]);
    let long = [&story[..], &[fallen, again]].concat();
    assert_eq!(joins(&long), (1.0, 2020.0));
    // One that went away and came to the same address is another one.
    let gone = look(5, everybody(&[1, 2]), &[1, 2], &[]);
    let back = look(6, everybody(&[1, 2, 3]), &[1, 2], &[3]);
    let rejoined = look(7, everybody(&[1, 2, 3]), &[1, 2, 3], &[]);
    let long = [&story[..], &[gone, back, rejoined]].concat();
    assert_eq!(joins(&long), (2.0, 3040.0));
}

#[test]
fn a_leave_queue_moves_when_something_was_handed_over() {
    let moved = |lefts: &[Option<u64>]| {
        let looks: Vec<Look> = (1..)
            .zip(lefts)
            .map(|(number, left)| {
                let mut look = look(number, everybody(&[1, 2]), &[1, 2], &[]);
                look.leavers = left
                    .map(|left| leaver(2, left, held()))
                    .into_iter()
                    .collect();
                look
            })
            .collect();
        let moved = value(&counted(&looks), "leave_queue_moved_timestamp_seconds", &[]);
        moved.unwrap() - 1_767_225_600.0
    };
    assert_eq!(moved(&[None, None]), 2.0);
    assert_eq!(moved(&[None, Some(7), Some(7), Some(7)]), 2.0);
    assert_eq!(moved(&[None, Some(7), Some(7), Some(6)]), 4.0);
    assert_eq!(moved(&[Some(7), Some(7), None, None]), 4.0);
}
