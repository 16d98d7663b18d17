//! The password, and who is shown it.
//!
//! A node that is asked for its view may be anybody: Redis's bus lets everybody
//! in who says `CLUSTER MEET`, and whoever is in names further ones. So only the
//! addresses that a witness of ours names are logged in to; and whoever takes
//! a wrong password is not one of us, whatever it says then.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};

use meshworker_core::{Place, Unanswered};
use redis::Pipeline;

use super::client::{refused, unanswered};
use super::wire::{Expect, Wire, refusal};
use crate::Access;

/// More addresses than witnesses of ours can name at a time.
const MOST: usize = 16384;

/// Addresses that witnesses of ours name.
#[derive(Default)]
pub struct Named(Mutex<HashSet<Place>>);

impl Named {
    /// Notes whether a witness of ours names this address now.
    pub fn note(&self, address: Place, named: bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !named {
            all.remove(&address);
            return;
        }
        // All of them are noted anew with every look; who is not noted is a stranger.
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(address);
    }

    fn has(&self, address: Place) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.contains(&address)
    }
}

/// Why this address is not to be asked at all, where it takes a password.
///
/// # Errors
///
/// No witness of ours names it.
pub fn may(access: &Access, named: &Named, address: Place) -> Result<(), Unanswered> {
    if access.password.is_none() || named.has(address) {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Once there were too many strangers to remember, they were strangers no more.
    #[test]
    fn many_strangers_made_one_of_them_a_member() {
        let named = Named::default();
        let at = |number: u32| Place::from(number.to_be_bytes());
        let (member, stranger) = (at(1), at(2));
        assert!(!named.has(member), "nobody has named it yet");
        named.note(member, true);
        named.note(stranger, true);
        named.note(stranger, false);
        for number in 0..20_000 {
            named.note(at(1000 + number), false);
        }
        assert!(named.has(member) && !named.has(stranger));
        for number in 0..20_000 {
            named.note(at(1000 + number), true);
            assert!(!named.has(stranger));
        }
        assert!(named.0.lock().unwrap().len() <= MOST);
    }
}
