//! A primary gives its place away: for how long nobody has had it, and who took it back.

use std::time::Duration;

use crate::{Context, Moment, Place, Request, Step, StepKind};

/// What is remembered of that. It only delays: whoever knows nothing of it waits once more, and
/// closes a primary sooner.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Handover {
    /// Since when the primary is told to close, or whoever acknowledges is sealed, and nobody
    /// has the place.
    since: Option<Moment>,
    /// The one that was told to close, and not to open since.
    closed: Option<Place>,
    /// Who opened again, since nobody else could, and when.
    kept: Option<(Place, Moment)>,
}

impl Handover {
    /// For how long nobody has had the place.
    pub(crate) fn lasts(&self, now: Moment) -> Duration {
        self.since.map_or(Duration::ZERO, |since| now.since(since))
    }

    /// Why the primary here is not to close again yet.
    pub(crate) fn against(&self, at: Place, context: &Context<'_>) -> Option<String> {
        let (_, when) = self.kept.filter(|(kept, _)| *kept == at)?;
        let since = context.now.since(when);
        (since < context.limits.succession_pause).then(|| {
            format!(
                "nobody could take its place {:.0} s ago; `meshworker acknowledge` lets it close \
                 again",
                since.as_secs_f64()
            )
        })
    }

    /// An operator knows of it.
    pub(crate) fn is_known(&mut self) {
        self.kept = None;
    }

    /// Notes what is asked in this pass; and whether anybody is to have the place after all.
    pub(crate) fn note<R: Request>(&mut self, steps: &[Step<R>], is_due: bool, now: Moment) {
        let mut begins = false;
        for step in steps {
            if step.request.closes() {
                self.closed = Some(step.to);
                begins = true;
            } else if step.request.opens() {
                let kept = self.closed.take().filter(|closed| *closed == step.to);
                self.kept = kept.map(|at| (at, now)).or(self.kept);
            } else if step.request.kind() == StepKind::Succeed {
                begins = true;
            }
        }
        self.since = match begins || is_due {
            true => self.since.or(begins.then_some(now)),
            false => None,
        };
    }
}
