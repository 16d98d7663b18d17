//! The name server outside of a lab: it knows no name at all, and says so, or misbehaves as it is told to.
//!
//! An engine asks the outside for every name that it does not know itself, a service without a running task among them.
//! In the world somebody answers "no such name"; where nobody answers, the engine stays silent too, and whoever asked
//! waits for a time-out.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::{LabError, Result, Swarm};

/// How soon the thread notices that it is to end.
const ATTENTION: Duration = Duration::from_millis(100);

/// A question is much shorter.
const LONGEST: usize = 1232;

/// The fixed part of every message.
const HEADER: usize = 12;

/// How long the slow one takes: longer than most programs wait before they ask again.
const SLOW: Duration = Duration::from_millis(1500);

/// The file of a lab that says how its name server behaves: a test may run in another process than the lab.
const FILE: &str = "outside-names";

/// How the name server outside of a lab answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// No such name, at once.
    Quiet,
    /// Not at all.
    Silent,
    /// REFUSED.
    Refusing,
    /// SERVFAIL.
    Failing,
    /// No such name, after one and a half seconds.
    Slow,
    /// With the address of a stranger, whatever the name.
    Wrong,
}

impl Outside {
    /// All of them.
    pub const ALL: [Outside; 6] = [
        Outside::Quiet,
        Outside::Silent,
        Outside::Refusing,
        Outside::Failing,
        Outside::Slow,
        Outside::Wrong,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Outside::Quiet => "quiet",
            Outside::Silent => "silent",
            Outside::Refusing => "refusing",
            Outside::Failing => "failing",
            Outside::Slow => "slow",
            Outside::Wrong => "wrong",
        }
    }

    /// What the lab's file says; quiet where there is none.
    fn of(file: &Path) -> Outside {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let named = Outside::ALL.into_iter().find(|o| o.name() == text.trim());
        named.unwrap_or(Outside::Quiet)
    }
}

impl Swarm {
    /// From now on the name server outside of the lab answers so.
    ///
    /// # Errors
    ///
    /// When the lab's directory cannot be written.
    pub fn set_outside_names(&self, outside: Outside) -> Result<()> {
        let file = self.directory().join(FILE);
        std::fs::write(&file, outside.name()).map_err(LabError::file("write", &file))
    }
}

/// A running name server; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct NameServer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NameServer {
    /// Answers at port 53 of this address, in the way that the file in the lab's directory says.
    pub(crate) fn start(address: Ipv4Addr, lab: &Path) -> std::io::Result<Self> {
        let socket = Arc::new(UdpSocket::bind((address, 53))?);
        socket.set_read_timeout(Some(ATTENTION))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let file: PathBuf = lab.join(FILE);
        let thread = std::thread::spawn(move || {
            let mut bytes = [0; LONGEST];
            while !stopped.load(Ordering::Relaxed) {
                if let Ok((length, from)) = socket.recv_from(&mut bytes) {
                    answer(&socket, Outside::of(&file), address, &bytes[..length], from);
                }
            }
        });
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

/// Answers one question. Who does not get it asks again.
fn answer(
    socket: &Arc<UdpSocket>,
    outside: Outside,
    stranger: Ipv4Addr,
    question: &[u8],
    from: SocketAddr,
) {
    let answer = match outside {
        Outside::Silent => None,
        Outside::Quiet | Outside::Slow => with_code(question, NO_SUCH_NAME),
        Outside::Refusing => with_code(question, REFUSED),
        Outside::Failing => with_code(question, FAILED),
        Outside::Wrong => with_address(question, stranger),
    };
    let Some(answer) = answer else {
        return;
    };
    if outside == Outside::Slow {
        let socket = Arc::clone(socket);
        std::thread::spawn(move || {
            std::thread::sleep(SLOW);
            let _ = socket.send_to(&answer, from);
        });
        return;
    }
    let _ = socket.send_to(&answer, from);
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

const FAILED: u8 = 2;
const NO_SUCH_NAME: u8 = 3;
const REFUSED: u8 = 5;

/// The bytes of type A, class IN, at the end of a question.
const ADDRESS: [u8; 4] = [0, 1, 0, 1];

/// The address of a stranger for a question of that kind, nothing of any other; or nothing for what is no question.
fn with_address(question: &[u8], stranger: Ipv4Addr) -> Option<Vec<u8>> {
    let mut answer = with_code(question, 0)?;
    if answer.ends_with(&ADDRESS) {
        // One record: the name asked for, its kind, a minute, four bytes.
        answer[7] = 1;
        answer.extend([0xc0, 12]);
        answer.extend(ADDRESS);
        answer.extend([0, 0, 0, 60, 0, 4]);
        answer.extend(stranger.octets());
    }
    Some(answer)
}

/// An answer with this code and no records, or nothing for what is no question.
fn with_code(question: &[u8], code: u8) -> Option<Vec<u8>> {
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
    // An answer, of the same kind and with the same wish for recursion; recursion available.
    answer[2] = 0x80 | (answer[2] & 0x79);
    answer[3] = 0x80 | code;
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
        let answer = with_code(&QUESTION, NO_SUCH_NAME).unwrap();
        assert_eq!(answer[..4], [7, 9, 0x81, 0x83]);
        assert_eq!(answer[4..HEADER], [0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(answer[HEADER..], QUESTION[HEADER..21]);
    }

    #[test]
    fn a_wrong_answer_is_a_whole_one() {
        let stranger = Ipv4Addr::new(10, 213, 1, 1);
        let answer = with_address(&QUESTION, stranger).unwrap();
        assert_eq!(answer[2..8], [0x81, 0x80, 0, 1, 0, 1]);
        let record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 213, 1, 1];
        assert_eq!(answer[21..], record);
        // Of the other family there is nothing.
        let mut other = QUESTION;
        other[18] = 28;
        assert_eq!(with_address(&other, stranger).unwrap().len(), 21);
    }

    #[test]
    fn noise_is_not_answered() {
        for length in 0..21 {
            assert_eq!(
                with_code(&QUESTION[..length], NO_SUCH_NAME),
                None,
                "{length} bytes"
            );
        }
        let mut answer = QUESTION;
        answer[2] |= 0x80;
        assert_eq!(with_code(&answer, NO_SUCH_NAME), None);
    }
}
