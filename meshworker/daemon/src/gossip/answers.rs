//! Long answers that are under way.

use bytes::Bytes;

/// So many bytes of long answers are under way, each of which may go to thousands.
pub(super) const UNDER_WAY: usize = 32 << 20;

/// What is shorter is a connection's own matter.
const LONG: usize = 4 << 10;

/// Long answers that are under way: a group's is one for all that ask, until it changes; who
/// asks after each change and takes nothing would keep all of them.
#[derive(Debug, Default)]
pub(super) struct Answers(Vec<Bytes>);

impl Answers {
    /// Whether there is room for this one.
    pub(super) fn fit(&mut self, answer: &Bytes) -> bool {
        let is = |other: &Bytes| std::ptr::eq(other.as_ptr(), answer.as_ptr());
        if answer.len() < LONG || self.0.iter().any(is) {
            return true;
        }
        // Whoever else had it has taken it.
        self.0.retain(|other| !other.is_unique());
        let taken: usize = self.0.iter().map(Bytes::len).sum();
        let fits = taken == 0 || taken + answer.len() <= UNDER_WAY;
        // One that nobody keeps is counted where it waits.
        if fits && !answer.is_unique() {
            self.0.push(answer.clone());
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_nobody_took_piled_up() {
        let mut answers = Answers::default();
        let answer = || Bytes::from(vec![0; 5 << 20]);
        let mut kept = Vec::new();
        loop {
            let one = answer();
            let copy = one.clone();
            if !answers.fit(&one) {
                break;
            }
            assert!(answers.fit(&copy), "the same one takes no more");
            kept.push(one);
        }
        assert_eq!(kept.len(), UNDER_WAY / (5 << 20));
        kept.pop();
        let one = answer();
        assert!(answers.fit(&one));
        assert!(answers.fit(&Bytes::from_static(b"a short one")));
    }
}
