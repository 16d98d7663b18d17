//! Copies that this worker asked for: a request may take as long as its data takes.
//!
//! Forgotten, it only delays: what is under way shows in the controlling server's status, and
//! a request is made only after that was looked at.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use meshworker_core::Place;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::detail::Grown;

/// For so long nobody knows what became of a request that got no answer: by then its effect
/// shows.
const UNKNOWN: Duration = Duration::from_secs(30);

/// For so long it is remembered whom this worker had taken out: then he says so himself, or an
/// operator does.
const TAKEN_OUT: Duration = Duration::from_secs(300);

/// For so long it is remembered what was refused.
const REFUSED: Duration = Duration::from_secs(5);

/// More copies than are made at a time, and servers than one has.
const MOST: usize = 256;

/// Copies that this worker asked for, by where they are made, and whom it took out.
#[derive(Debug, Default, Clone)]
pub struct Growing(Arc<Mutex<All>>);

#[derive(Debug, Default)]
struct All {
    copies: HashMap<Place, Copy>,
    /// Whom the controlling server took out, asked by this worker, and when, by where it was.
    taken_out: HashMap<Place, (String, Instant)>,
}

#[derive(Debug)]
struct Copy {
    instance: String,
    task: Option<AbortHandle>,
    ended: Option<(Instant, Result<(), String>)>,
}

impl Drop for All {
    fn drop(&mut self) {
        for copy in self.copies.values() {
            if let Some(task) = &copy.task {
                task.abort();
            }
        }
    }
}

impl Growing {
    /// A copy is asked for here.
    pub fn begin(&self, to: Place, instance: &str) {
        let mut all = self.lock();
        all.taken_out.remove(&to);
        if all.copies.len() >= MOST {
            all.copies.retain(|_, copy| copy.ended.is_none());
        }
        let copy = Copy {
            instance: instance.to_owned(),
            task: None,
            ended: None,
        };
        all.copies.insert(to, copy);
    }

    /// Who asks for it.
    pub fn asked_by(&self, to: Place, task: AbortHandle) {
        if let Some(copy) = self.lock().copies.get_mut(&to) {
            copy.task = Some(task);
        }
    }

    /// What came of it: refused, and in which words. One that was granted is over; of one
    /// that got no answer nobody knows what became.
    pub fn end(&self, to: Place, came: Result<(), Option<String>>) {
        let mut all = self.lock();
        let ended = match came {
            Ok(()) => {
                all.copies.remove(&to);
                return;
            }
            Err(None) => Ok(()),
            Err(Some(words)) => Err(words),
        };
        if let Some(copy) = all.copies.get_mut(&to) {
            copy.ended = Some((Instant::now(), ended));
        }
    }

    /// What is not over, in the order of their places.
    pub fn now(&self) -> Vec<Grown> {
        let mut all = self.lock();
        let lasts = |copy: &Copy| match &copy.ended {
            None => true,
            Some((at, Ok(()))) => at.elapsed() < UNKNOWN,
            Some((at, Err(_))) => at.elapsed() < REFUSED,
        };
        all.copies.retain(|_, copy| lasts(copy));
        let copies = all.copies.iter().map(|(to, copy)| Grown {
            instance: copy.instance.clone(),
            to: *to,
            open: copy.ended.is_none(),
            refused: (copy.ended.as_ref()).and_then(|(_, came)| came.clone().err()),
        });
        let mut copies: Vec<Grown> = copies.collect();
        copies.sort_by_key(|copy| copy.to);
        copies
    }

    /// Notes that the controlling server has taken this instance out, which was here.
    pub fn took_out(&self, instance: &str, at: Place) {
        let mut all = self.lock();
        if all.taken_out.len() >= MOST {
            all.taken_out.clear();
        }
        let now = Instant::now();
        all.taken_out.insert(at, (instance.to_owned(), now));
        all.copies.remove(&at);
    }

    /// Who was here until he was taken out.
    pub fn taken_out_at(&self, at: Place) -> Option<String> {
        let all = self.lock();
        let was = all.taken_out.get(&at);
        let was = was.filter(|(_, since)| since.elapsed() < TAKEN_OUT);
        was.map(|(instance, _)| instance.clone())
    }

    /// Who is listed is in again.
    pub fn is_in(&self, is_listed: impl Fn(&str) -> bool) {
        self.lock()
            .taken_out
            .retain(|_, (instance, _)| !is_listed(instance));
    }

    /// Whoever is here now is new.
    pub fn is_new(&self, at: Place) {
        self.lock().taken_out.remove(&at);
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_was_taken_out_is_known_by_name_for_a_while_and_until_it_is_listed() {
        let growing = Growing::default();
        let at = Place::from([10, 0, 0, 7]);
        growing.took_out("copy-1-a", at);
        assert_eq!(growing.taken_out_at(at).as_deref(), Some("copy-1-a"));
        growing.is_in(|name| name == "copy-2-b");
        assert!(growing.taken_out_at(at).is_some());
        growing.is_in(|name| name == "copy-1-a");
        assert_eq!(growing.taken_out_at(at), None);
        growing.took_out("copy-1-a", at);
        tokio::time::advance(TAKEN_OUT).await;
        assert_eq!(growing.taken_out_at(at), None);
    }
}
