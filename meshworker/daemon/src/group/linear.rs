//! Whether what clients saw of one register could have happened in one order, in which each
//! request took effect at one instant between when it was made and when it was answered: the
//! search of Wing and Gong, with what it has seen remembered.

use std::collections::HashSet;

/// One request, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// When it was made.
    pub(super) made: u64,
    /// When it was answered; never, if nobody knows whether it took effect.
    pub(super) answered: Option<u64>,
    /// What was set, or what was read.
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Set(String),
    Read(Option<String>),
}

/// Whether there is such an order.
pub(super) fn is_linear(requests: &[Request]) -> bool {
    let mut search = Search {
        requests,
        done: vec![false; requests.len()],
        seen: HashSet::new(),
    };
    search.goes_on(&None)
}

struct Search<'a> {
    requests: &'a [Request],
    done: Vec<bool>,
    seen: HashSet<(Vec<bool>, Option<String>)>,
}

impl Search<'_> {
    fn goes_on(&mut self, value: &Option<String>) -> bool {
        let open = |of: &Self| {
            (0..of.requests.len())
                .filter(|at| !of.done[*at])
                .collect::<Vec<_>>()
        };
        // What is read as it stands changes nothing: it may come at once.
        let mut taken = Vec::new();
        loop {
            let open = open(self);
            let first = open
                .iter()
                .filter_map(|at| self.requests[*at].answered)
                .min();
            let Some(first) = first else { return true };
            let reads = |at: &&usize| {
                let Request { made, what, .. } = &self.requests[**at];
                *made < first && *what == What::Read(value.clone())
            };
            let Some(read) = open.iter().find(reads).copied() else {
                let next = |at: &&usize| self.requests[**at].made < first;
                let next: Vec<usize> = open.iter().filter(next).copied().collect();
                if self.seen.insert((self.done.clone(), value.clone())) {
                    for at in next {
                        let What::Set(set) = &self.requests[at].what else {
                            continue;
                        };
                        self.done[at] = true;
                        if self.goes_on(&Some(set.clone())) {
                            return true;
                        }
                        self.done[at] = false;
                    }
                }
                for at in taken {
                    self.done[at] = false;
                }
                return false;
            };
            self.done[read] = true;
            taken.push(read);
        }
    }
}

fn request(made: u64, answered: u64, what: What) -> Request {
    let answered = (answered > 0).then_some(answered);
    Request {
        made,
        answered,
        what,
    }
}

#[test]
fn an_order_is_found_if_there_is_one() {
    let set = |value: &str| What::Set(value.into());
    let read = |value: &str| What::Read(Some(value.into()));
    // Both at the same time: either may be the first.
    let both = [request(1, 4, set("a")), request(2, 5, set("b"))];
    for last in ["a", "b"] {
        let all = [both.to_vec(), vec![request(6, 7, read(last))]].concat();
        assert!(is_linear(&all), "{last}");
        // And so it stays.
        let other = if last == "a" { "b" } else { "a" };
        let torn = [all, vec![request(8, 9, read(other))]].concat();
        assert!(!is_linear(&torn), "{last}");
    }
    // What was answered is seen by whoever asks then.
    let stale = [request(1, 2, set("a")), request(3, 4, What::Read(None))];
    assert!(!is_linear(&stale));
    // What nobody knows of may take effect at any time, or never.
    let unknown = [
        request(1, 2, set("a")),
        request(3, 0, set("b")),
        request(4, 5, read("a")),
        request(6, 7, read("b")),
    ];
    assert!(is_linear(&unknown));
    assert!(is_linear(&unknown[..3]));
}
