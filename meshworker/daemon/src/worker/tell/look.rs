//! What a pass saw, decided and did, as the board keeps it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use meshworker_core::{Planner, Request, Standing, View};
use tokio::time::Instant;

use crate::board::Look;
use crate::status::StepStatus;
use crate::worker::Pass;

/// What this pass, which is over, saw.
pub fn look<P: Planner>(pass: &Pass<P>) -> Look {
    let answers = pass.observed.answers.iter();
    let answers = answers.map(|(address, answer)| {
        let answer = answer.as_ref().map(View::head);
        let answer = answer.map_err(ToString::to_string);
        (*address, answer)
    });
    Look {
        number: pass.number,
        at: Instant::now(),
        time: SystemTime::now(),
        took: pass.took,
        requests: pass.requests,
        reports: pass.observed.reports.clone(),
        roster: pass.roster.clone(),
        answers: answers.collect(),
        steps: steps(pass),
        refusals: pass.plan.refusals.clone(),
        leavers: pass.plan.leavers.clone(),
        outsiders: pass.plan.outsiders.clone(),
        wanted: wanted(pass),
        losses: pass.plan.losses.clone(),
        unity: pass.plan.unity.clone(),
        settled: pass.plan.settled,
        pace: pass.plan.pace,
    }
}

/// How many members are meant to be there, without those who have no say.
fn wanted<P: Planner>(pass: &Pass<P>) -> usize {
    let roster = &pass.roster;
    let members = roster.members().iter();
    let wanted = members.filter(|member| {
        member.standing() == Standing::Wanted && !pass.plan.outsiders.contains(&member.address)
    });
    wanted.count()
}

/// The planned requests, each with what came of it.
fn steps<P: Planner>(pass: &Pass<P>) -> Vec<StepStatus> {
    let done = pass.done.iter();
    let done: BTreeMap<String, _> = done.map(|d| (d.step.key(), &d.reply)).collect();
    let steps = pass.plan.steps.iter();
    steps
        .map(|step| {
            let reply = done.get(&step.key());
            StepStatus {
                kind: step.request.kind().to_string(),
                to: step.to.to_string(),
                request: step.request.to_string(),
                introduces: step.request.introduces().map(|address| address.to_string()),
                evidence: step.evidence.iter().map(ToString::to_string).collect(),
                ok: reply.map(|reply| reply.is_ok()),
                reply: reply.map(|reply| match reply {
                    Ok(reply) => reply.clone(),
                    Err(failure) => failure.to_string(),
                }),
            }
        })
        .collect()
}
