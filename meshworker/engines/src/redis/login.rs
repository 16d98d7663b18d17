//! The password, and who is shown it.
//!
//! A node that is asked for its view may be anybody: Redis's bus lets everybody
//! in who says `CLUSTER MEET`, and whoever is in names further ones. So only the
//! addresses that a witness of ours names are logged in to; and whoever takes
//! a wrong password is not one of us, whatever it says then.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use meshworker_core::Unanswered;
use redis::Pipeline;

use super::client::{refused, unanswered};
use super::wire::{Expect, Wire, refusal};
use crate::Access;

/// More nodes than a Redis Cluster has.
const MOST: usize = 16384;

/// Addresses that only the database names.
#[derive(Default)]
pub struct Strangers(Mutex<HashSet<IpAddr>>);

impl Strangers {
    /// Notes whether a witness of ours names this address now.
    pub fn note(&self, address: IpAddr, trusted: bool) {
        let mut strangers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if trusted {
            strangers.remove(&address);
            return;
        }
        // All of them are noted anew with every look.
        if strangers.len() >= MOST {
            strangers.clear();
        }
        strangers.insert(address);
    }

    fn has(&self, address: IpAddr) -> bool {
        let strangers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        strangers.contains(&address)
    }
}

/// Why this address is not to be asked at all, where it takes a password.
///
/// # Errors
///
/// No witness of ours names it.
pub fn may(access: &Access, strangers: &Strangers, address: IpAddr) -> Result<(), Unanswered> {
    if access.password.is_none() || !strangers.has(address) {
        return Ok(());
    }
    Err(Unanswered::Denied(
        "no witness names it, only the database does, so it is not shown the password".into(),
    ))
}

/// Logs in, when there is a password: first with a wrong one, which a member
/// refuses. It is read anew, since it may have been rotated.
///
/// # Errors
///
/// The node takes any password, refuses the right one, or gives no answer.
pub async fn login(access: &Access, wire: &mut Wire) -> Result<(), Unanswered> {
    let Some(file) = &access.password else {
        return Ok(());
    };
    let password = file
        .read()
        .map_err(|error| Unanswered::Denied(error.to_string()))?;
    let tried = wire.exchange(&auth(access, &wrong()), Expect::Words).await;
    match tried.map_err(unanswered)?.iter().find_map(refusal) {
        Some(why) if why.starts_with("WRONGPASS") => {}
        Some(why) => return Err(refused(why)),
        None => {
            return Err(Unanswered::Garbage(
                "it takes any password, so it is none of ours; let all members have 'requirepass', \
                 and the user no 'nopass'"
                    .into(),
            ));
        }
    }
    let replies = wire.exchange(&auth(access, &password), Expect::Words).await;
    match replies.map_err(unanswered)?.iter().find_map(refusal) {
        Some(why) => Err(refused(why)),
        None => Ok(()),
    }
}

fn auth(access: &Access, password: &str) -> Pipeline {
    let mut commands = redis::pipe();
    commands.cmd("AUTH");
    if let Some(user) = &access.user {
        commands.arg(user);
    }
    commands.arg(password);
    commands
}

/// A password that nobody has: the keys of a hasher are random.
fn wrong() -> String {
    let random = || RandomState::new().hash_one("wrong");
    format!("wrong-{:016x}{:016x}", random(), random())
}
