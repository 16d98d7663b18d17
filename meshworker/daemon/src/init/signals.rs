//! The signals that the supervisor gets, and those that it passes on.
//!
//! | signal | without a terminal | with one |
//! |---|---|---|
//! | SIGTERM, SIGRTMIN+3 | asked to stop | asked to stop |
//! | SIGINT, SIGQUIT | asked to stop: what images have for STOPSIGNAL | a key of the terminal: passed on |
//! | SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGCONT | passed on | passed on |
//!
//! SIGWINCH stops Apache's server, and is no order to stop here: `docker attach`
//! passes it on whenever somebody resizes a window.

use std::io::IsTerminal;

use futures_util::future::{FutureExt, select_all};
use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGRTMIN+3, by which system managers are asked to stop, as Docker counts it.
const RTMIN_3: i32 = 37;

/// All that is listened for, what stops this member first. Signals of job control
/// stop and continue processes by themselves.
const HEARD: &[SignalKind] = &[
    SignalKind::terminate(),
    SignalKind::from_raw(RTMIN_3),
    SignalKind::interrupt(),
    SignalKind::quit(),
    SignalKind::child(),
    SignalKind::hangup(),
    SignalKind::user_defined1(),
    SignalKind::user_defined2(),
    SignalKind::alarm(),
    SignalKind::window_change(),
    SignalKind::from_raw(Number::CONT.as_raw()),
];

/// A signal came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// Asked to stop, by this signal.
    Terminate(i32),
    /// Interrupted at the terminal.
    Interrupt,
    /// A child has ended.
    Child,
    /// For the database.
    PassOn(Number),
}

/// What a signal means, to a process that has a terminal or has not.
fn meaning(kind: SignalKind, at_terminal: bool) -> Came {
    let raw = kind.as_raw_value();
    let Some(number) = Number::from_named_raw(raw) else {
        // The only one without a name.
        return Came::Terminate(raw);
    };
    match number {
        Number::TERM => Came::Terminate(raw),
        Number::INT if at_terminal => Came::Interrupt,
        Number::QUIT if at_terminal => Came::PassOn(number),
        Number::INT | Number::QUIT => Came::Terminate(raw),
        Number::CHILD => Came::Child,
        other => Came::PassOn(other),
    }
}

/// All signals that the supervisor listens for. From its making on none of
/// them ends this process by itself, as a first process needs it anyway.
pub(super) struct Signals(Vec<(Came, Signal)>);

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// The system allows no handler.
    pub(super) fn listen() -> std::io::Result<Signals> {
        let at_terminal = std::io::stdin().is_terminal();
        let all = HEARD
            .iter()
            .map(|kind| (meaning(*kind, at_terminal), *kind));
        let all = all.map(|(came, kind)| Ok((came, signal(kind)?)));
        all.collect::<std::io::Result<_>>().map(Signals)
    }

    /// The next signal. May be cancelled: none is lost, though several of one
    /// kind may count as one.
    pub(super) async fn next(&mut self) -> Came {
        let all = self.0.iter_mut().map(|(came, signal)| {
            let came = *came;
            async move {
                match signal.recv().await {
                    Some(()) => came,
                    // The stream of a signal never ends.
                    None => std::future::pending().await,
                }
            }
            .boxed()
        });
        select_all(all).await.0
    }

    /// Resolves when somebody asks this process to end: the signal's number.
    pub(super) async fn end(&mut self) -> i32 {
        loop {
            match self.next().await {
                Came::Terminate(number) => return number,
                Came::Interrupt => return Number::INT.as_raw(),
                Came::Child | Came::PassOn(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_terminal_are_the_databases_and_stop_signals_of_images_are_not() {
        let at_terminal = |kind| meaning(kind, true);
        let in_a_stack = |kind| meaning(kind, false);
        assert_eq!(at_terminal(SignalKind::interrupt()), Came::Interrupt);
        assert_eq!(at_terminal(SignalKind::quit()), Came::PassOn(Number::QUIT));
        for number in [Number::INT, Number::QUIT] {
            let stops = Came::Terminate(number.as_raw());
            assert_eq!(in_a_stack(SignalKind::from_raw(number.as_raw())), stops);
        }
        for at in [true, false] {
            let stops = HEARD.iter().take(2).map(|kind| meaning(*kind, at));
            let expected = [Number::TERM.as_raw(), RTMIN_3].map(Came::Terminate);
            assert!(stops.eq(expected));
            let rest = HEARD.iter().skip(5).map(|kind| meaning(*kind, at));
            assert!(rest.into_iter().all(|came| matches!(came, Came::PassOn(_))));
        }
    }
}
