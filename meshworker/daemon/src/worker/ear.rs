//! One witness, asked on a clock of its own.

use std::sync::Arc;
use std::time::Duration;

use meshworker_core::{Grade, Report, Witness};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::kept::kept;
use crate::witness::Source;

/// Far longer than any witness takes: each has a deadline of its own.
const LONGEST: Duration = Duration::from_secs(60);

/// What a witness said last, and whether it is being asked.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// Its latest report, and when it was asked for it.
    pub report: Option<(Report, Instant)>,
    /// Since when it has been asked again, while it has not answered.
    pub asked_again: Option<Instant>,
    /// Counts the reports that differed from the one before.
    pub news: u64,
}

impl Heard {
    /// Whether the report answers a question of this moment or a later one.
    pub fn is_since(&self, moment: Instant) -> bool {
        self.report
            .as_ref()
            .is_some_and(|(_, asked)| *asked >= moment)
    }

    /// Whether it let the last question's deadline pass, so that nothing is to
    /// be expected of it soon.
    pub fn is_silent(&self) -> bool {
        let report = self.report.as_ref();
        report.is_some_and(|(report, _)| report.grade == Grade::Timeout)
    }

    /// Whether it has been owing an answer since before this moment.
    pub fn is_late(&self, moment: Instant) -> bool {
        self.asked_again.is_some_and(|asked| asked < moment)
    }
}

/// Asks one witness whenever somebody wishes and whenever it says that its last
/// report may no longer hold, and keeps the latest report. An answer that takes
/// long is waited for here, and by nobody else.
#[derive(Debug)]
pub struct Ear {
    witness: Witness,
    wish: Arc<Notify>,
    heard: watch::Receiver<Heard>,
    task: JoinHandle<()>,
}

impl Ear {
    /// Begins to listen. `stir` counts whatever any ear hears.
    pub fn open(source: Arc<dyn Source>, stir: Arc<watch::Sender<u64>>) -> Ear {
        let (keep, heard) = watch::channel(Heard::default());
        let wish = Arc::new(Notify::new());
        Ear {
            witness: source.witness(),
            wish: Arc::clone(&wish),
            heard,
            task: tokio::spawn(async move {
                let listen = || listen(&*source, &wish, &keep, &stir);
                kept("asking a witness", listen).await;
            }),
        }
    }

    /// Whom it listens to.
    pub fn witness(&self) -> Witness {
        self.witness
    }

    /// Asks now, or again as soon as the question that is under way is answered.
    pub fn wish(&self) {
        self.wish.notify_one();
    }

    /// What was heard last.
    pub fn heard(&self) -> watch::Ref<'_, Heard> {
        self.heard.borrow()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(
    source: &dyn Source,
    wish: &Notify,
    keep: &watch::Sender<Heard>,
    stir: &watch::Sender<u64>,
) {
    loop {
        // An answer that is owed is one that was being waited for when this broke.
        if keep.borrow().asked_again.is_none() {
            tokio::select! {
                () = wish.notified() => {}
                () = source.changed() => {}
            }
        }
        let asked = Instant::now();
        keep.send_modify(|heard| heard.asked_again = Some(asked));
        let report = timeout(LONGEST, source.report()).await;
        let report = report.unwrap_or_else(|_| Report::unknown(source.witness(), Grade::Timeout));
        keep.send_modify(|heard| {
            let before = heard.report.as_ref().map(|(before, _)| before);
            heard.news += u64::from(before != Some(&report));
            heard.report = Some((report, asked));
            heard.asked_again = None;
        });
        stir.send_modify(|count| *count += 1);
    }
}
