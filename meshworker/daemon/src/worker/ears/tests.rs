//! Witnesses that take their time, in virtual time.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker_core::{Place, Sighting};
use std::sync::Mutex;
use tokio::time::sleep;

use super::*;

/// A witness that takes so long for each answer.
struct Slow {
    witness: Witness,
    takes: Duration,
    says: Mutex<Report>,
}

impl Slow {
    fn new(witness: Witness, milliseconds: u64, members: &[u8]) -> Arc<Slow> {
        Arc::new(Slow {
            witness,
            takes: Duration::from_millis(milliseconds),
            says: Mutex::new(listing(witness, members)),
        })
    }

    /// A name server that never answers.
    fn silent() -> Arc<Slow> {
        let silent = Slow::new(Witness::Dns, 2000, &[]);
        silent.says(Report::unknown(Witness::Dns, Grade::Timeout));
        silent
    }

    fn says(&self, report: Report) {
        *self.says.lock().unwrap() = report;
    }
}

impl Source for Slow {
    fn witness(&self) -> Witness {
        self.witness
    }

    fn report(&self) -> BoxFuture<'_, Report> {
        async {
            // What was true when it was asked.
            let report = self.says.lock().unwrap().clone();
            sleep(self.takes).await;
            report
        }
        .boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }
}

fn address(last: u8) -> Place {
    [10, 0, 1, last].into()
}

fn listing(witness: Witness, members: &[u8]) -> Report {
    Report::addresses(witness, members.iter().map(|last| address(*last)))
}

fn ears(sources: &[&Arc<Slow>]) -> Ears {
    let sources = sources
        .iter()
        .map(|source| Arc::clone(source) as Arc<dyn Source>);
    Ears::of(sources.collect())
}

fn grades(taken: &Taken) -> Vec<&Grade> {
    taken.reports.iter().map(|report| &report.grade).collect()
}

const PAUSE: Duration = Duration::from_millis(50);

#[tokio::test(start_paused = true)]
async fn a_task_list_that_takes_150_ms_was_cut_off_in_every_hurried_look() {
    let dns = Slow::new(Witness::Dns, 1, &[1, 2]);
    let docker = Slow::new(Witness::Docker, 150, &[1]);
    let mut ears = ears(&[&dns, &docker]);
    let first = ears.take(Haste::Quick).await;
    assert_eq!(grades(&first), [&Grade::Answer, &Grade::Timeout]);
    sleep(PAUSE).await;
    for look in 2..20 {
        let taken = ears.take(Haste::Quick).await;
        assert_eq!(grades(&taken), [&Grade::Answer, &Grade::Answer], "{look}");
        assert_eq!(taken.reports[1], listing(Witness::Docker, &[1]));
        sleep(PAUSE).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_name_server_costs_one_look_a_tenth_of_a_second() {
    let dns = Slow::silent();
    let docker = Slow::new(Witness::Docker, 5, &[1, 2]);
    let mut ears = ears(&[&dns, &docker]);
    let mut waited = Vec::new();
    for _ in 0..100 {
        let began = Instant::now();
        let taken = ears.take(Haste::Quick).await;
        assert_eq!(grades(&taken), [&Grade::Timeout, &Grade::Answer]);
        waited.push(began.elapsed());
        sleep(PAUSE).await;
    }
    let long = waited.iter().filter(|waited| waited.as_millis() > 10);
    assert_eq!(long.count(), 1, "{waited:?}");
    // Nor is it waited for when there is nothing to hurry for.
    let began = Instant::now();
    ears.take(Haste::Patient).await;
    assert!(began.elapsed() < PAUSE, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_has_news_ends_the_wait_for_a_slow_one() {
    let dns = Slow::new(Witness::Dns, 1900, &[1]);
    let announce = Slow::new(Witness::Announce, 0, &[1]);
    let mut ears = ears(&[&dns, &announce]);
    let taken = ears.take(Haste::None).await;
    assert!(taken.whole);
    announce.says(listing(Witness::Announce, &[1, 2]));
    let began = Instant::now();
    let taken = ears.take(Haste::Patient).await;
    assert_eq!(began.elapsed(), PROMPT);
    assert!(!taken.whole, "the name server's is an old report");
    assert_eq!(taken.reports[1].sightings.len(), 2);
    // Without news it is waited for.
    assert!(ears.take(Haste::Patient).await.whole);
}

/// Whoever came after a list was asked for cannot stand in it.
#[tokio::test(start_paused = true)]
async fn a_list_from_before_a_member_came_called_it_absent() {
    let docker = Slow::new(Witness::Docker, 300, &[1]);
    let announce = Slow::new(Witness::Announce, 0, &[1]);
    let mut ears = ears(&[&docker, &announce]);
    ears.take(Haste::None).await;
    sleep(PAUSE).await;
    for source in [&docker, &announce] {
        source.says(Report {
            sightings: vec![Sighting::at(address(1)), Sighting::at(address(2))],
            ..listing(source.witness, &[1])
        });
    }
    let taken = ears.take(Haste::Quick).await;
    assert_eq!(grades(&taken), [&Grade::Timeout, &Grade::Answer]);
    assert_eq!(
        taken.reports[0].sightings.len(),
        1,
        "whom it listed is kept"
    );
    sleep(Duration::from_millis(300)).await;
    let taken = ears.take(Haste::Quick).await;
    assert_eq!(grades(&taken), [&Grade::Answer, &Grade::Answer]);
}

#[tokio::test(start_paused = true)]
async fn a_report_of_long_ago_is_a_time_out() {
    let dns = Slow::new(Witness::Dns, 7000, &[1]);
    let docker = Slow::new(Witness::Docker, 1, &[1]);
    let mut ears = ears(&[&dns, &docker]);
    assert!(ears.take(Haste::None).await.whole);
    sleep(PAUSE).await;
    let taken = ears.take(Haste::Quick).await;
    assert_eq!(grades(&taken), [&Grade::Timeout, &Grade::Answer]);
    assert_eq!(taken.reports[0].sightings.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn news_are_what_the_last_look_did_not_take() {
    let docker = Slow::new(Witness::Docker, 300, &[1]);
    let dns = Slow::new(Witness::Dns, 1, &[1]);
    let mut ears = ears(&[&docker, &dns]);
    ears.take(Haste::Quick).await;
    let began = Instant::now();
    ears.news().await;
    assert_eq!(began.elapsed().as_millis(), 200, "the late answer");
    ears.take(Haste::None).await;
    let quiet = tokio::time::timeout(PROMPT, ears.news()).await;
    quiet.expect_err("nothing is new");
}

/// Every look waited for it, and nobody was told anything any more.
#[tokio::test(start_paused = true)]
async fn a_witness_that_hung_kept_the_worker_for_ever() {
    let docker = Slow::new(Witness::Docker, 86_400_000, &[1]);
    let dns = Slow::new(Witness::Dns, 1, &[1]);
    let mut ears = ears(&[&dns, &docker]);
    for haste in [Haste::None, Haste::Patient, Haste::Quick] {
        let taken = ears.take(haste).await;
        assert_eq!(grades(&taken), [&Grade::Answer, &Grade::Timeout]);
    }
}
