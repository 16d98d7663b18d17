//! How often the name server was asked.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How often the name server was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Questions over UDP.
    pub udp: usize,
    /// Questions over TCP.
    pub tcp: usize,
    /// Questions with EDNS0, over either.
    pub with_edns: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    udp: AtomicUsize,
    tcp: AtomicUsize,
    with_edns: AtomicUsize,
}

impl Counters {
    pub(crate) fn count(&self, over_tcp: bool, with_edns: bool) {
        let transport = if over_tcp { &self.tcp } else { &self.udp };
        transport.fetch_add(1, Ordering::Relaxed);
        if with_edns {
            self.with_edns.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> Counts {
        Counts {
            udp: self.udp.load(Ordering::Relaxed),
            tcp: self.tcp.load(Ordering::Relaxed),
            with_edns: self.with_edns.load(Ordering::Relaxed),
        }
    }
}
