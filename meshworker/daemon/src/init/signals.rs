//! The signals that the supervisor gets, and those that it passes on.

use futures_util::future::{FutureExt, select_all};
use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What is passed on to the database as it is. SIGTERM and SIGINT are not
/// here, because the course decides about them; signals of job control stop
/// and continue processes by themselves.
const PASSED_ON: &[(Number, SignalKind)] = &[
    (Number::HUP, SignalKind::hangup()),
    (Number::QUIT, SignalKind::quit()),
    (Number::USR1, SignalKind::user_defined1()),
    (Number::USR2, SignalKind::user_defined2()),
    (Number::ALARM, SignalKind::alarm()),
    (Number::WINCH, SignalKind::window_change()),
    (Number::CONT, SignalKind::from_raw(Number::CONT.as_raw())),
];

/// A signal came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// Asked to stop.
    Terminate,
    /// Interrupted.
    Interrupt,
    /// A child has ended.
    Child,
    /// For the database.
    PassOn(Number),
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
        let own = [
            (Came::Terminate, SignalKind::terminate()),
            (Came::Interrupt, SignalKind::interrupt()),
            (Came::Child, SignalKind::child()),
        ];
        let others = PASSED_ON.iter();
        let others = others.map(|(number, kind)| (Came::PassOn(*number), *kind));
        let all = own.into_iter().chain(others);
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

    /// Resolves when somebody asks this process to end, by either signal.
    pub(super) async fn end(&mut self) -> Number {
        loop {
            match self.next().await {
                Came::Terminate => return Number::TERM,
                Came::Interrupt => return Number::INT,
                Came::Child | Came::PassOn(_) => {}
            }
        }
    }
}
