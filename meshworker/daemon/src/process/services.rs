//! Services of the process: started, watched and stopped in one place.

use std::future::Future;

use futures_util::FutureExt;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinError, JoinSet};

use super::{Failed, runtime};

/// Services that run until they are told to stop. What breaks within one is told and
/// begun again there ([`crate::kept`]); one that ends untold ends the process, which is
/// to be started anew.
pub struct Services {
    stop: watch::Sender<bool>,
    running: JoinSet<Result<(), String>>,
}

impl Services {
    /// None yet.
    pub fn new() -> Services {
        Services {
            stop: watch::Sender::new(false),
            running: JoinSet::new(),
        }
    }

    /// Starts one.
    pub fn start<F>(&mut self, service: impl FnOnce(watch::Receiver<bool>) -> F)
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.running.spawn(service(self.stop.subscribe()));
    }

    /// Starts one on a thread of its own, where it makes no other one wait.
    ///
    /// # Errors
    ///
    /// There is no thread, or no runtime for it.
    pub fn start_aside<F>(
        &mut self,
        name: &str,
        service: impl FnOnce(watch::Receiver<bool>) -> F + Send + 'static,
    ) -> Result<(), Failed>
    where
        F: Future<Output = ()>,
    {
        let (runtime, stop) = (runtime()?, self.stop.subscribe());
        // Closed when the thread has ended, however it did.
        let (open, ended) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name(name.into());
        let started = thread.spawn(move || {
            let _open = open;
            runtime.block_on(service(stop));
        });
        started.map_err(|error| Failed::Goal(format!("no thread: {error}")))?;
        self.running.spawn(ended.map(|_| Ok(())));
        Ok(())
    }

    /// Resolves when one ends that was not told to, with why. May be cancelled.
    pub async fn broken(&mut self) -> Failed {
        match self.running.join_next().await.map(why) {
            None => std::future::pending().await,
            Some(Some(why)) => why,
            Some(None) => Failed::Goal("a service ended by itself".into()),
        }
    }

    /// Tells all of them to stop, and waits until they have.
    ///
    /// # Errors
    ///
    /// Why one of them ended otherwise.
    pub async fn stop(&mut self) -> Result<(), Failed> {
        self.stop.send_replace(true);
        let mut done = Ok(());
        while let Some(ended) = self.running.join_next().await {
            done = why(ended).map_or(done, Err);
        }
        done
    }
}

fn why(ended: Result<Result<(), String>, JoinError>) -> Option<Failed> {
    match ended {
        Ok(ended) => ended.err().map(Failed::Goal),
        Err(error) => Some(Failed::Goal(format!("a service broke: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_service_that_ended_untold_went_unnoticed() {
        let mut services = Services::new();
        services.start(|mut stop| async move {
            let _ = stop.wait_for(|stop| *stop).await;
            Ok(())
        });
        services
            .start_aside("aside", |_| async { panic!("broken on purpose") })
            .unwrap();
        let broken = timeout(Duration::from_secs(60), services.broken()).await;
        assert_eq!(broken.unwrap().to_string(), "a service ended by itself");
        services.start(|_| async { Err("the other one broke".into()) });
        let stopped = services.stop().await.unwrap_err();
        assert_eq!(stopped.to_string(), "the other one broke");
    }
}
