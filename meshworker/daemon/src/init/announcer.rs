//! Tells all workers, again and again, who this member is.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use meshworker_core::Disk;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::course::{Event, Round};
use super::identity::Identity;
use super::names::Workers;
use crate::announce::client::{Client, Unheard};
use crate::announce::{Announcement, Answer, Phase};

/// Between two announcements of a member that is to stay.
const CALM: Duration = Duration::from_secs(1);

/// Between two announcements of one that waits to start, or is on its way out:
/// somebody waits for it.
const LEAVING: Duration = Duration::from_millis(500);

/// Between the beginnings of two announcements to one worker that has another answer each
/// time: it is to reach this member within 50 ms.
const SOONEST: Duration = Duration::from_millis(25);

/// So many that did not answer are told in one round, besides those that did: there are
/// a few workers, and a name server can list any number of addresses.
const UNHEARD: usize = 32;

/// Whose turn it is to be told.
#[derive(Debug, Default)]
struct Turns {
    /// Who answered last time.
    answered: BTreeSet<SocketAddr>,
    /// How many of the others have had their turn.
    told: usize,
}

impl Turns {
    /// Whom of these to tell now.
    fn next(&mut self, workers: &[SocketAddr]) -> Vec<SocketAddr> {
        let (mut now, mut others): (Vec<_>, Vec<_>) = workers
            .iter()
            .partition(|worker| self.answered.contains(worker));
        if !others.is_empty() {
            let first = self.told % others.len();
            others.rotate_left(first);
        }
        others.truncate(UNHEARD);
        self.told = self.told.wrapping_add(others.len());
        now.extend(others);
        now
    }
}

/// What is going on with one worker.
#[derive(Debug, Default)]
struct Line {
    /// Whether it is being told.
    told: bool,
    /// The mark of its last answer that had one.
    mark: Option<u64>,
    /// What it said last, to this phase.
    said: Option<Result<Answer, Unheard>>,
}

/// All workers that are told of one phase.
#[derive(Debug, Default)]
struct Lines(BTreeMap<SocketAddr, Line>);

impl Lines {
    /// Those that answered.
    fn answered(&self) -> BTreeSet<SocketAddr> {
        let lines = self.0.iter();
        let answered = lines.filter(|(_, line)| matches!(line.said, Some(Ok(_))));
        answered.map(|(worker, _)| *worker).collect()
    }

    /// Drops whoever is not to be told any more. One that is being told is heard first:
    /// listed again meanwhile, it would be told twice at a time.
    fn keep(&mut self, told: &[SocketAddr]) {
        let lines = &mut self.0;
        lines.retain(|worker, line| line.told || told.contains(worker));
    }

    /// What all of them say, once each has had its time to say something. The word of
    /// one that is asked for another one stands until then. Where more are listed than are
    /// told in one round, those that have just been found are not waited for; nor is
    /// anybody where one acts for its group. That another one acts is no answer, and
    /// nothing to tell where somebody answers.
    fn round(&self) -> Option<Round> {
        let (mut round, mut others) = (Round::default(), Vec::new());
        let acts = |line: &Line| matches!(&line.said, Some(Ok(answer)) if answer.fence.is_some());
        let enough = self.0.len() > UNHEARD || self.0.values().any(acts);
        for (worker, line) in &self.0 {
            let said = match &line.said {
                None if enough => continue,
                said => said.as_ref()?,
            };
            match said {
                Ok(answer) => round.answers.push((*worker, answer.clone())),
                Err(why @ Unheard::Yields(_)) => others.push(format!("{worker}: {why}")),
                Err(why) => round.failures.push(format!("{worker}: {why}")),
            }
        }
        if round.answers.is_empty() {
            round.failures.append(&mut others);
        }
        let heard = !round.answers.is_empty() || !round.failures.is_empty();
        heard.then_some(round)
    }
}

/// Tells all workers, again and again, who this member is.
pub(super) struct Announcer {
    pub(super) cluster: String,
    pub(super) identity: Identity,
    pub(super) address: IpAddr,
    /// How it speaks to them.
    pub(super) client: Client,
    /// What it has on its disk, once it waits to be told how its database is started.
    pub(super) disk: watch::Receiver<Option<Disk>>,
    /// By which number the others know its database.
    pub(super) known_as: watch::Receiver<u64>,
    /// The highest fence that it has heard.
    pub(super) fence: watch::Receiver<Option<u64>>,
}

impl Announcer {
    /// Announces each phase at once, then repeatedly, until nobody listens for
    /// what the workers say.
    pub(super) async fn run(
        &self,
        mut phase: watch::Receiver<(Phase, u64)>,
        mut workers: watch::Receiver<Workers>,
        events: mpsc::Sender<Event>,
    ) {
        if workers.wait_for(|workers| workers.asked).await.is_err() {
            return;
        }
        let mut turns = Turns::default();
        loop {
            let (now, generation) = *phase.borrow_and_update();
            let said = self.said(now, generation);
            let pause = if now == Phase::Present { CALM } else { LEAVING };
            tokio::select! {
                () = self.tell(&said, pause, &mut workers, &mut turns, &events) => return,
                // A new phase does not wait for a slow worker's answer to the old.
                changed = phase.changed() => if changed.is_err() { return; },
            }
        }
    }

    fn said(&self, phase: Phase, generation: u64) -> Announcement {
        let disk = self.disk.borrow().clone();
        let said = (self.identity).says(&self.cluster, self.address, (phase, generation));
        Announcement {
            disk: disk.filter(|_| phase == Phase::Waiting),
            known_as: Some(*self.known_as.borrow()).filter(|number| *number != said.slot),
            ..said
        }
    }

    /// Tells this until nobody listens for what the workers say: a worker that holds its
    /// answer until there is another one again and again, the others each time that the
    /// pause has passed.
    async fn tell(
        &self,
        said: &Announcement,
        pause: Duration,
        workers: &mut watch::Receiver<Workers>,
        turns: &mut Turns,
        events: &mpsc::Sender<Event>,
    ) {
        let mut beat = interval(pause);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut lines, mut calls) = (Lines::default(), FuturesUnordered::new());
        loop {
            let due = async {
                tokio::select! {
                    _ = beat.tick() => true,
                    changed = workers.changed() => changed.is_ok(),
                }
            };
            let round = tokio::select! {
                due = due => {
                    if !due {
                        return;
                    }
                    beat.reset();
                    let Workers { addresses, why, .. } = workers.borrow_and_update().clone();
                    if !lines.0.is_empty() {
                        turns.answered = lines.answered();
                    }
                    let told = turns.next(&addresses);
                    lines.keep(&told);
                    for worker in told {
                        let line = lines.0.entry(worker).or_default();
                        if !std::mem::replace(&mut line.told, true) {
                            calls.push(self.call(worker, said, line.mark, Duration::ZERO));
                        }
                    }
                    lines.0.is_empty().then(|| Round {
                        failures: vec![format!("DNS: {why}")],
                        ..Round::default()
                    })
                }
                Some((worker, heard, took)) = calls.next() => {
                    let Some(line) = lines.0.get_mut(&worker) else {
                        continue;
                    };
                    if !workers.borrow().addresses.contains(&worker) {
                        lines.0.remove(&worker);
                        continue;
                    }
                    let mark = heard.as_ref().ok().and_then(|answer| answer.mark);
                    line.told = mark.is_some();
                    line.mark = mark.or(line.mark);
                    line.said = Some(heard);
                    if mark.is_some() {
                        let rest = SOONEST.saturating_sub(took);
                        calls.push(self.call(worker, said, mark, rest));
                    }
                    lines.round()
                }
            };
            if let Some(round) = round
                && events.send(Event::Round(round)).await.is_err()
            {
                return;
            }
        }
    }

    /// Tells one worker after this pause, and asks for another answer than it has: what
    /// came of that, and how long it took.
    async fn call(
        &self,
        worker: SocketAddr,
        said: &Announcement,
        has: Option<u64>,
        after: Duration,
    ) -> (SocketAddr, Result<Answer, Unheard>, Duration) {
        sleep(after).await;
        let began = Instant::now();
        let said = Announcement {
            fence: *self.fence.borrow(),
            ..said.clone()
        };
        let heard = match has {
            None => self.client.post(worker, &said).await,
            Some(mark) => self.client.post_again(worker, &said, mark).await,
        };
        (worker, heard, began.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::timeout;

    use super::*;
    use crate::announce::{Findings, Registry, State, router};
    use crate::http::Server;
    use crate::proof::Door;
    use crate::token_file::TokenFile;

    /// A name server that listed thousands had a member call all of them each second.
    #[test]
    fn a_name_that_led_to_thousands_had_all_of_them_called_and_the_worker_is_found() {
        let at = |number: u16| {
            let [third, last] = number.to_be_bytes();
            SocketAddr::from(([10, 9, third, last], 4747))
        };
        let listed: Vec<_> = (0..5000).map(at).collect();
        let worker = at(4321);
        let mut turns = Turns::default();
        let mut rounds = 0;
        loop {
            let told = turns.next(&listed);
            assert!(told.len() <= UNHEARD, "{}", told.len());
            rounds += 1;
            if told.contains(&worker) {
                break;
            }
            assert!(rounds <= 5000 / UNHEARD + 1);
            turns.answered.clear();
        }
        // From then on it is told each time, and first.
        for _ in 0..200 {
            turns.answered = [worker].into();
            let told = turns.next(&listed);
            assert_eq!((told[0], told.len()), (worker, 1 + UNHEARD));
        }
        // As many as there usually are, are told all of them each time.
        for _ in 0..3 {
            turns.answered.clear();
            assert_eq!(turns.next(&listed[..3]).len(), 3);
        }
        assert_eq!(turns.next(&[]), []);
    }

    fn at(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 9, 0, last], 4747))
    }

    #[test]
    fn a_worker_that_was_listed_again_was_told_twice_at_a_time() {
        let mut lines = Lines::default();
        lines.0.entry(at(1)).or_default().told = true;
        lines.0.entry(at(2)).or_default();
        lines.keep(&[at(3)]);
        assert_eq!(lines.0.keys().collect::<Vec<_>>(), [&at(1)]);
        lines.0.entry(at(1)).or_default().told = false;
        lines.keep(&[at(3)]);
        assert!(lines.0.is_empty());
    }

    /// A name server that lists more than are told at once, each time others.
    #[test]
    fn addresses_that_were_just_found_kept_every_workers_word_back() {
        let lines = |all: u8, said: u8| {
            let line = |last| Line {
                said: (last < said).then_some(Err(Unheard::Timeout(CALM))),
                ..Line::default()
            };
            Lines((0..all).map(|last| (at(last), line(last))).collect())
        };
        let heard = |all, said| lines(all, said).round().map(|round| round.failures.len());
        assert_eq!(heard(3, 2), None, "all of a few are waited for");
        assert_eq!(heard(3, 3), Some(3));
        assert_eq!(heard(60, 28), Some(28));
        assert_eq!(heard(60, 0), None, "nobody has said anything");
    }

    /// A worker's machine is dead, and its address is still listed.
    #[test]
    fn a_silent_follower_kept_back_the_word_of_the_worker_that_acts() {
        let answer = |fence| Answer {
            generation: 1,
            in_place: true,
            cluster: "one cluster".into(),
            verdict: None,
            tell: None,
            siblings: Vec::new(),
            fence,
            mark: None,
        };
        let yields = || Some(Err(Unheard::Yields("another worker acts: worker 2".into())));
        let round = |said: [Option<Result<Answer, Unheard>>; 3]| {
            let lines = said.into_iter().zip(1..).map(|(said, last)| {
                let line = Line {
                    said,
                    ..Line::default()
                };
                (at(last), line)
            });
            let round = Lines(lines.collect()).round();
            round.map(|round| (round.answers.len(), round.failures))
        };
        let alone = round([yields(), Some(Ok(answer(None))), None]);
        assert_eq!(alone, None, "each worker without a group is waited for");
        let acts = round([yields(), Some(Ok(answer(Some(9)))), None]);
        assert_eq!(
            acts,
            Some((1, vec![])),
            "and that another one acts is no failure"
        );
        let silent = Some(Err(Unheard::Timeout(CALM)));
        let said = "10.9.0.1:4747: another worker acts: worker 2".to_owned();
        let nobody = round([yields(), silent, yields()]);
        let (answers, failures) = nobody.unwrap();
        assert_eq!((answers, failures.len()), (0, 3), "unless nobody acts");
        assert!(failures.contains(&said), "{failures:?}");
    }

    /// Nobody is asked because it is time: the first question was the last one, and one
    /// worker that is slow to say something else kept the others' word back.
    #[tokio::test]
    async fn each_worker_is_heard_as_soon_as_it_has_another_answer() {
        let token = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(token.path(), "a-token-of-these-tests").unwrap();
        let token = TokenFile::new(token.path());
        let mut workers = Vec::new();
        for _ in 0..2 {
            let registry = Registry::new();
            let open = registry.open("db");
            let at = SocketAddr::from(([127, 0, 0, 1], 0));
            let server = Server::bind(at, router(State { registry }), "tests");
            let door = Door::of(token.clone()).unwrap();
            let server = server.await.unwrap().with_proof(Arc::new(door));
            let at = server.address();
            let (stop, stopped) = watch::channel(false);
            tokio::spawn(server.run(stopped));
            workers.push((at, open, stop));
        }
        let address = IpAddr::from([127, 0, 0, 1]);
        let announcer = Announcer {
            cluster: "db".into(),
            identity: Identity {
                service: "db".into(),
                slot: 1,
                task: "task".into(),
                node: "node".into(),
                node_name: None,
            },
            address,
            client: Client::new(token, Some(address)),
            disk: watch::channel(None).1,
            known_as: watch::channel(1).1,
            fence: watch::channel(None).1,
        };
        let said = announcer.said(Phase::Waiting, 1);
        let known = Workers {
            asked: true,
            addresses: workers.iter().map(|(at, ..)| *at).collect(),
            why: String::new(),
        };
        let (_knows, mut known) = watch::channel(known);
        let (tells, mut events) = mpsc::channel(8);
        let mut turns = Turns::default();
        let day = Duration::from_secs(86_400);
        let telling = announcer.tell(&said, day, &mut known, &mut turns, &tells);
        let hears = async {
            // How many of the two say that a pass has looked.
            for looked in 0..=2_usize {
                if let Some((_, open, _)) = looked.checked_sub(1).and_then(|at| workers.get(at)) {
                    open.desk()
                        .publish(Findings::settled_at(Instant::now(), address.into()));
                }
                loop {
                    let Some(Event::Round(round)) = events.recv().await else {
                        panic!("no round");
                    };
                    assert_eq!(round.failures, [""; 0]);
                    assert_eq!(round.answers.len(), 2);
                    let in_place = round.answers.iter().filter(|(_, said)| said.in_place);
                    if in_place.count() == looked {
                        break;
                    }
                }
            }
        };
        tokio::select! {
            () = telling => panic!("it ended"),
            heard = timeout(Duration::from_secs(60), hears) => heard.unwrap(),
        }
    }
}
