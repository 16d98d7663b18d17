//! The name server outside of a lab: it knows no name at all, and says so.
//!
//! An engine asks the outside for every name that it does not know itself, a service without a running task among them.
//! In the world somebody answers "no such name"; where nobody answers, the engine stays silent too, and whoever asked
//! waits for a time-out that has nothing to do with the test.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How soon the thread notices that it is to end.
const ATTENTION: Duration = Duration::from_millis(100);

/// A question is much shorter.
const LONGEST: usize = 1232;

/// The fixed part of every message.
const HEADER: usize = 12;

/// A running name server; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct NameServer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NameServer {
    /// Answers at port 53 of this address.
    pub(crate) fn start(address: Ipv4Addr) -> std::io::Result<Self> {
        let socket = UdpSocket::bind((address, 53))?;
        socket.set_read_timeout(Some(ATTENTION))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut bytes = [0; LONGEST];
            while !stopped.load(Ordering::Relaxed) {
                if let Ok((length, from)) = socket.recv_from(&mut bytes)
                    && let Some(answer) = no_such_name(&bytes[..length])
                {
                    // Who does not get it asks again.
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// NXDOMAIN for a question, or nothing for what is none.
fn no_such_name(question: &[u8]) -> Option<Vec<u8>> {
    let is_answer = question.get(2)? & 0x80 != 0;
    let questions = question.get(4..6)?;
    if is_answer || questions != [0, 1] {
        return None;
    }
    // The name: labels, each after its length, up to an empty one. Then type and class.
    let mut end = HEADER;
    loop {
        let length = usize::from(*question.get(end)?);
        end += 1 + length;
        if length == 0 {
            break;
        }
    }
    let mut answer = question.get(..end + 4)?.to_vec();
    // An answer, of the same kind and with the same wish for recursion; recursion available, code 3.
    answer[2] = 0x80 | (answer[2] & 0x79);
    answer[3] = 0x83;
    // One question and nothing else, whatever the question had attached.
    answer[6..HEADER].fill(0);
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "a.b", type A, class IN, with an OPT record attached.
    const QUESTION: [u8; 32] = [
        7, 9, 1, 0x20, 0, 1, 0, 0, 0, 0, 0, 1, 1, b'a', 1, b'b', 0, 0, 1, 0, 1, //
        0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0,
    ];

    #[test]
    fn a_question_is_answered_with_no_such_name() {
        let answer = no_such_name(&QUESTION).unwrap();
        assert_eq!(answer[..4], [7, 9, 0x81, 0x83]);
        assert_eq!(answer[4..HEADER], [0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(answer[HEADER..], QUESTION[HEADER..21]);
    }

    #[test]
    fn noise_is_not_answered() {
        for length in 0..21 {
            assert_eq!(no_such_name(&QUESTION[..length]), None, "{length} bytes");
        }
        let mut answer = QUESTION;
        answer[2] |= 0x80;
        assert_eq!(no_such_name(&answer), None);
    }
}
