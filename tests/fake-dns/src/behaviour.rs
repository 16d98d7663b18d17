//! What the name server says to the questions about one name.

use std::net::IpAddr;
use std::time::Duration;

/// What the name server says to the questions about one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// These addresses, with a TTL of 600 s as Swarm gives it: the IPv4 ones to
    /// A, the IPv6 ones to AAAA. A family without addresses is NOERROR and empty.
    Answer(Vec<IpAddr>),
    /// NOERROR without records.
    Empty,
    /// NXDOMAIN.
    NxDomain,
    /// SERVFAIL.
    ServFail,
    /// REFUSED.
    Refused,
    /// No answer, on either transport; over TCP the connection stays open.
    Silent,
    /// An answer that breaks off in the middle of its first record.
    Garbage,
    /// Over UDP the first `shown` addresses and the TC bit.
    Truncated {
        /// All addresses.
        addresses: Vec<IpAddr>,
        /// How many of them fit over UDP.
        shown: usize,
        /// What TCP is good for.
        tcp: Tcp,
    },
    /// `keep` of the addresses, drawn anew for each question.
    Partial {
        /// All addresses.
        addresses: Vec<IpAddr>,
        /// How many of them are told.
        keep: usize,
    },
    /// The same, this much later.
    Slow(Duration, Box<Behaviour>),
    /// As a server that does not know EDNS0: at most 512 bytes over UDP, and
    /// FORMERR to a question with EDNS0 when `formerr` is set.
    WithoutEdns {
        /// Whether EDNS0 is an error instead of being ignored.
        formerr: bool,
        /// What is said otherwise.
        then: Box<Behaviour>,
    },
    /// A CNAME to this name, together with what that name has if the server
    /// was told of it and it has addresses.
    Alias(String),
    /// A CNAME to this name and nothing else: the client has to ask again.
    BareAlias(String),
    /// These addresses, as records of this other name: nobody's answer.
    Foreign(String, Vec<IpAddr>),
    /// One behaviour for A, another one for AAAA.
    PerFamily {
        /// For A.
        v4: Box<Behaviour>,
        /// For AAAA.
        v6: Box<Behaviour>,
    },
    /// One after the other, per question over UDP and per family; the last one
    /// stays.
    Script(Vec<Behaviour>),
    /// One of these, drawn from the server's seed for each question over UDP.
    Flapping(Vec<Behaviour>),
}

/// What TCP is good for after an answer that was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tcp {
    /// It gives the whole answer.
    Works,
    /// The connection is closed without an answer.
    Closes,
    /// The connection stays open, and nothing comes.
    Hangs,
    /// The answer is cut there as well.
    CutsToo,
}

impl Behaviour {
    /// An answer of these addresses, as text.
    ///
    /// # Panics
    ///
    /// When one of them is not an address.
    pub fn answer<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Behaviour {
        let addresses = addresses.into_iter().map(|address| {
            address
                .parse()
                .expect("an IPv4 or IPv6 address in the test")
        });
        Behaviour::Answer(addresses.collect())
    }

    /// An answer that still lists addresses of members that are gone.
    pub fn stale(current: &[IpAddr], gone: &[IpAddr]) -> Behaviour {
        Behaviour::Answer([current, gone].concat())
    }

    /// The same, this much later.
    pub fn after(self, delay: Duration) -> Behaviour {
        Behaviour::Slow(delay, Box::new(self))
    }
}
