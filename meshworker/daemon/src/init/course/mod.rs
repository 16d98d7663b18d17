//! The course of a member's life: what the supervisor does when something
//! happens.
//!
//! Pure: events and the time go in, actions come out. It has no sockets, no
//! processes and no clock, so that a test can compare all that it does.
//!
//! ```text
//!         asked to stop              granted, deadline, alone,
//! Running ────────────> Leaving ──── whole stack gone, 2nd signal ───> Stopping
//!    │                     │                                              │
//!    └─────────────────────┴──── the database ends ──> Ending ──> exit <──┘
//! ```

mod note;
mod round;

use std::time::Duration;

use meshworker_core::Moment;

use crate::announce::Phase;

pub use crate::announce::FencedTell;
pub use note::Note;
pub use round::{Round, Said};

pub use super::directory::Elsewhere;

/// For this long neither the members' nor the workers' name may have existed
/// before the whole stack counts as removed: Swarm's records of a service that
/// is updated are gone for less.
const GONE_HOLD: Duration = Duration::from_secs(2);

/// After this much silence of all workers the members that leave listen to each
/// other. Where all of them leave, the workers do too, and nobody is waited for.
const FELLOWS_AFTER: Duration = Duration::from_secs(2);

/// How long the stop itself waits for a worker to hear of it.
const TELL: Duration = Duration::from_secs(1);

/// Between the first and the second time that the database is asked to stop. The
/// time doubles: Redis refuses for as long as it writes its first AOF.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The longest time between two such requests.
const ASK_AGAIN_MOST: Duration = Duration::from_secs(8);

/// The same once the database has ended by itself: its container is to be
/// restarted, and a worker sees the loss anyway.
const TELL_ENDED: Duration = Duration::from_millis(300);

/// What a shell adds to the number of the signal that ended a command.
const BY_SIGNAL: u8 = 128;

/// The times of one member's leaving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// From the signal until Swarm kills the container.
    pub grace: Duration,
    /// How much of that the database may take to stop.
    pub stop: Duration,
    /// After this much silence of all workers the supervisor decides alone.
    pub alone_after: Duration,
}

impl Times {
    /// From the signal until the database is killed: a little before Swarm
    /// would, so that the exit code and the reason are still told.
    fn kill(&self) -> Duration {
        let spare = (self.grace / 20).min(Duration::from_millis(500));
        self.grace.saturating_sub(spare)
    }
}

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody asks the container to stop.
    Terminate,
    /// Somebody interrupts it at its terminal, which the database hears too.
    Interrupt,
    /// All workers were told, and this is what they said.
    Round(Round),
    /// The name server was asked: whether neither the members' nor the
    /// workers' name exists.
    Names {
        /// Neither does.
        gone: bool,
    },
    /// The database was asked after the signal: whether it answers.
    Own(Own),
    /// The supervisor looked for itself: whether the member may stop, and why.
    Alone {
        /// Whether it may.
        granted: bool,
        /// Whether all members leave, as they say themselves.
        everybody: bool,
        /// Why, or why not.
        why: String,
    },
    /// The database has ended.
    Ended {
        /// Its exit code as a shell counts it.
        code: u8,
    },
    /// Time has passed.
    Tick,
}

/// Whether the own database answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Own {
    /// It does.
    Answers,
    /// Nobody listens there.
    Deaf,
    /// It starts, or loads its data, and says so.
    Starts(String),
    /// Somebody listens there and gives no usable answer: perhaps it hangs.
    Mute(String),
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Announce this from now on, beginning at once.
    Announce {
        /// The phase.
        phase: Phase,
        /// Its number.
        generation: u64,
    },
    /// Ask the database, from now on again and again, whether it answers.
    Ask,
    /// Look for oneself each second, or stop doing so.
    LookAlone(bool),
    /// Interrupt the database.
    Interrupt,
    /// Ask the database to stop.
    Terminate,
    /// End the database.
    Kill,
    /// Log it.
    Say(Note),
    /// Wait until a worker says how the database is to be started.
    WaitAnew,
    /// End with this code.
    Exit(u8),
}

/// The course of one member's life.
#[derive(Debug)]
pub struct Course {
    times: Times,
    generation: u64,
    /// Whether a worker has ever found this member in its place.
    was_in_place: bool,
    /// Whether a worker says when the database is started.
    told: bool,
    /// Whether one that is told waits anew in its container where a signal ended it.
    in_place: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    Running,
    Leaving(Leaving),
    Stopping(Stopping),
    Ending {
        code: u8,
        until: Moment,
        phase: Phase,
    },
    Exited,
}

#[derive(Debug)]
struct Leaving {
    since: Moment,
    /// When a worker last answered with a verdict, or, where the database
    /// answers, at all; or the beginning.
    heard: Moment,
    /// Whether the last round was silent.
    silent: bool,
    /// Since when the whole stack seems to be gone.
    gone: Option<Moment>,
    /// Whether the supervisor looks for itself, and hears the others that leave.
    looks: bool,
    /// Whether it decides for itself.
    alone: bool,
    /// Why the database does not answer.
    mute: Option<String>,
    /// What was last said of it, by a worker or by the own look.
    last: Option<Note>,
}

#[derive(Debug)]
struct Stopping {
    /// When the database is asked to stop, for the first time although no worker
    /// has heard of it, then again.
    terminate: Moment,
    /// How long it has then until it is asked again; none before it was asked.
    pause: Option<Duration>,
    kill: Option<Moment>,
    /// Whether it was let go: then its end is nobody's loss.
    released: bool,
}

impl Course {
    /// A member whose database has just been started. `generation` is that of its
    /// announcement.
    pub fn new(times: Times, generation: u64) -> Course {
        Course {
            times,
            generation,
            was_in_place: false,
            told: false,
            in_place: false,
            state: State::Running,
        }
    }

    /// The same, of a database that is started when a worker says so.
    pub fn told(self, told: bool) -> Course {
        Course { told, ..self }
    }

    /// The same, which waits anew in its container where a signal ended its database.
    pub fn in_place(self, in_place: bool) -> Course {
        Course { in_place, ..self }
    }

    /// What is announced now.
    pub fn phase(&self) -> (Phase, u64) {
        let phase = match self.state {
            State::Running => Phase::Present,
            State::Leaving(_) => Phase::Leaving,
            State::Stopping(_) | State::Exited => Phase::Stopping,
            State::Ending { phase, .. } => phase,
        };
        (phase, self.generation)
    }

    /// Whether something may become due by the mere passing of time.
    pub fn is_timed(&self) -> bool {
        !matches!(self.state, State::Running | State::Exited)
    }

    /// What follows from this event at this time.
    pub fn on(&mut self, event: Event, now: Moment) -> Vec<Action> {
        if let Event::Ended { code } = event {
            return self.ended(code, now);
        }
        let killed = matches!(&event, Event::Round(round) if round.kills(self.generation));
        match &mut self.state {
            // Whatever it waits for: another one is primary, and nothing is asked of this one.
            State::Running | State::Leaving(_) if killed => {
                vec![Action::Say(Note::Outranked), Action::Kill]
            }
            State::Running => self.running(event, now),
            State::Leaving(_) => self.leaving(event, now),
            State::Stopping(_) => self.stopping(event, now),
            State::Ending { code, until, .. } => {
                let told = matches!(&event, Event::Round(round) if round.heard_of(self.generation));
                if !told && now < *until {
                    return Vec::new();
                }
                let code = *code;
                self.state = State::Exited;
                vec![Action::Exit(code)]
            }
            State::Exited => Vec::new(),
        }
    }

    fn running(&mut self, event: Event, now: Moment) -> Vec<Action> {
        match event {
            Event::Round(round) => {
                self.was_in_place |= round.in_place();
                Vec::new()
            }
            Event::Interrupt => vec![Action::Interrupt],
            Event::Terminate => {
                self.state = State::Leaving(Leaving {
                    since: now,
                    heard: now,
                    silent: true,
                    gone: None,
                    looks: false,
                    alone: false,
                    mute: None,
                    last: None,
                });
                vec![
                    Action::Say(Note::Leaves),
                    self.announce(Phase::Leaving),
                    Action::Ask,
                ]
            }
            _ => Vec::new(),
        }
    }

    fn leaving(&mut self, event: Event, now: Moment) -> Vec<Action> {
        let State::Leaving(leaving) = &mut self.state else {
            return Vec::new();
        };
        let stop_at = (leaving.since.0 + self.times.grace).saturating_sub(self.times.stop);
        let mut actions = Vec::new();
        match event {
            Event::Terminate | Event::Interrupt => return self.stop(Note::SecondSignal, true, now),
            // It has not been a member in this life, and it is none now: what it
            // has on disk stays there.
            Event::Own(Own::Deaf) if !self.was_in_place => {
                return self.stop(Note::NeverUp, false, now);
            }
            Event::Own(Own::Starts(why)) if !self.was_in_place => {
                return self.stop(Note::NotUpYet(why), false, now);
            }
            Event::Own(own) => {
                leaving.mute = match own {
                    // One whose port is closed says nothing either way.
                    Own::Answers | Own::Deaf => None,
                    Own::Starts(why) | Own::Mute(why) => Some(why),
                };
            }
            Event::Round(round) => {
                leaving.silent = !round.answered();
                if !leaving.silent {
                    leaving.gone = None;
                    let said = round.said(self.generation);
                    let no_verdict = said == Said::Held(Note::NoVerdict);
                    // Of a database that does not answer workers may never know
                    // anything: that is no better than their silence.
                    if !(no_verdict && leaving.mute.is_some()) {
                        leaving.heard = now;
                        leaving.alone = false;
                        if std::mem::take(&mut leaving.looks) {
                            actions.push(Action::LookAlone(false));
                        }
                    }
                    match (said, &leaving.mute) {
                        (Said::Granted(why), _) => {
                            actions.extend(self.stop(Note::Released(why), false, now));
                            return actions;
                        }
                        (Said::Held(Note::NoVerdict), Some(why)) => {
                            if !leaving.alone {
                                leaving.say(Note::Mute(why.clone()), &mut actions);
                            }
                        }
                        (Said::Held(note), _) => leaving.say(note, &mut actions),
                    }
                }
            }
            Event::Names { gone } => {
                if !(gone && leaving.silent) {
                    leaving.gone = None;
                } else if now.since(*leaving.gone.get_or_insert(now)) >= GONE_HOLD {
                    return self.stop(Note::StackGone, false, now);
                }
            }
            Event::Alone {
                granted,
                everybody,
                why,
            } if leaving.looks => match (granted, leaving.alone) {
                (true, true) => return self.stop(Note::DecidedAlone(why), false, now),
                (true, false) if everybody => {
                    return self.stop(Note::AllLeave(why), false, now);
                }
                (false, true) => leaving.say(Note::HeldAlone(why), &mut actions),
                (_, false) => {}
            },
            _ => {}
        }
        if now.0 >= stop_at {
            let last = leaving.last.clone().map(Box::new);
            actions.extend(self.stop(Note::Deadline { last }, false, now));
        } else if !leaving.alone && now.since(leaving.heard) >= self.times.alone_after {
            leaving.alone = true;
            let note = match leaving.silent {
                true => Note::Alone(self.times.alone_after),
                false => Note::AloneUnjudged(self.times.alone_after),
            };
            actions.push(Action::Say(note));
            if !std::mem::replace(&mut leaving.looks, true) {
                actions.push(Action::LookAlone(true));
            }
        } else if leaving.silent && !leaving.looks && now.since(leaving.heard) >= FELLOWS_AFTER {
            leaving.looks = true;
            actions.push(Action::LookAlone(true));
        }
        actions
    }

    fn stopping(&mut self, event: Event, now: Moment) -> Vec<Action> {
        let State::Stopping(stopping) = &mut self.state else {
            return Vec::new();
        };
        let told = matches!(&event, Event::Round(round) if round.heard_of(self.generation));
        let asked_again = matches!(event, Event::Terminate | Event::Interrupt);
        let mut actions = Vec::new();
        let first = told && stopping.pause.is_none();
        if first || asked_again || now >= stopping.terminate {
            // Some refuse it for a while, and forget that they were asked.
            let pause = match stopping.pause {
                None => ASK_AGAIN,
                Some(pause) => {
                    if pause == ASK_AGAIN && !asked_again {
                        actions.push(Action::Say(Note::AsksAgain));
                    }
                    pause.saturating_mul(2).min(ASK_AGAIN_MOST)
                }
            };
            actions.push(Action::Terminate);
            stopping.terminate = now.plus(pause);
            stopping.pause = Some(pause);
        }
        if let Some(at) = stopping.kill
            && now >= at
        {
            stopping.kill = None;
            actions.extend([Action::Say(Note::Killed), Action::Kill]);
        }
        actions
    }

    /// Stops the database: once a worker has heard of it, or at once.
    fn stop(&mut self, note: Note, at_once: bool, now: Moment) -> Vec<Action> {
        let (since, looks) = match &self.state {
            State::Leaving(leaving) => (leaving.since, leaving.looks),
            _ => (now, false),
        };
        let kill = since.plus(self.times.kill());
        self.state = State::Stopping(Stopping {
            terminate: now.plus(if at_once { ASK_AGAIN } else { TELL }),
            pause: at_once.then_some(ASK_AGAIN),
            kill: Some(kill),
            released: matches!(note, Note::Released(_) | Note::DecidedAlone(_)),
        });
        let mut actions = vec![Action::Say(note)];
        if looks {
            actions.push(Action::LookAlone(false));
        }
        actions.push(self.announce(Phase::Stopping));
        if at_once {
            actions.push(Action::Terminate);
        }
        actions
    }

    fn ended(&mut self, code: u8, now: Moment) -> Vec<Action> {
        let said = Action::Say(Note::Ended(code));
        let phase = match &self.state {
            // The others need not wait until they miss it.
            State::Stopping(stopping) if stopping.released => Phase::Ended,
            State::Stopping(_) => {
                self.state = State::Exited;
                return vec![said, Action::Exit(code)];
            }
            // Its container would start it again, and it would end again.
            State::Running if self.told && code == 0 => {
                self.state = State::Exited;
                return vec![said, Action::Say(Note::TakenOut), Action::WaitAnew];
            }
            // It would come back at another address, and later.
            State::Running if self.told && self.in_place && code > BY_SIGNAL => {
                self.state = State::Exited;
                return vec![said, Action::Say(Note::WaitsInPlace), Action::WaitAnew];
            }
            State::Leaving(_) if self.told && code == 0 => Phase::Ended,
            State::Running | State::Leaving(_) => Phase::Stopping,
            State::Ending { .. } | State::Exited => return Vec::new(),
        };
        let until = now.plus(TELL_ENDED);
        self.state = State::Ending { code, until, phase };
        vec![said, self.announce(phase)]
    }

    fn announce(&mut self, phase: Phase) -> Action {
        self.generation += 1;
        Action::Announce {
            phase,
            generation: self.generation,
        }
    }
}

impl Leaving {
    /// Says what has changed.
    fn say(&mut self, note: Note, actions: &mut Vec<Action>) {
        let last = self.last.as_ref();
        if last.is_none_or(|last| note.is_news_after(last)) {
            actions.push(Action::Say(note.clone()));
        }
        self.last = Some(note);
    }
}

#[cfg(test)]
mod tests;
