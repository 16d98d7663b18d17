//! Conversations with a member over its JSON gateway.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, StatusCode};
use meshworker_core::{Place, Told, Unanswered};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::wire::{Refused, Token};
use crate::talk::garbage;
use crate::{Access, talk as http};

/// More addresses than witnesses of ours can name at a time.
const MOST: usize = 16384;

/// gRPC's numbers of what is refused.
pub const NOT_FOUND: u64 = 5;
pub const FAILED_PRECONDITION: u64 = 9;
const PERMISSION_DENIED: u64 = 7;
const UNAUTHENTICATED: u64 = 16;

/// Talks to members.
pub struct Client {
    access: Access,
    /// Whom a witness of ours names, and when one did last: nobody else is shown the password.
    named: Mutex<HashMap<Place, Instant>>,
    /// What each lets us in with.
    tokens: Mutex<HashMap<Place, Held>>,
}

/// What a member lets us in with.
struct Held {
    token: String,
    /// Whether it gave that itself: a learner gives none.
    own: bool,
}

/// A conversation with one member. Dropped, it ends.
pub struct Talk<'a> {
    client: &'a Client,
    http: http::Talk,
}

/// Why there is no reply.
#[derive(Debug)]
pub enum Silence {
    /// It understood, and said no.
    Refused(Refused),
    /// It gave no usable answer.
    Unanswered(Unanswered),
}

impl From<Unanswered> for Silence {
    fn from(why: Unanswered) -> Silence {
        Silence::Unanswered(why)
    }
}

impl Client {
    pub fn new(access: Access) -> Client {
        Client {
            access,
            named: Mutex::default(),
            tokens: Mutex::default(),
        }
    }

    /// Notes whether a witness of ours names this address: from then on it is logged in
    /// to, or not.
    pub fn trust(&self, place: Place, named: bool) {
        let mut all = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        if named {
            all.insert(place, Instant::now());
        } else {
            all.remove(&place);
            drop(all);
            self.forget(place);
        }
    }

    /// How the members are reached.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// A conversation with whoever is there.
    ///
    /// # Errors
    ///
    /// Nobody listens there, or it is not encrypted as it should be.
    pub async fn talk(&self, place: Place) -> Result<Talk<'_>, Unanswered> {
        let http = http::Talk::with(&self.access, place, self.access.deadline).await?;
        Ok(Talk { client: self, http })
    }

    fn token(&self, place: Place) -> Option<String> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(&place).map(|held| held.token.clone())
    }

    fn keep(&self, place: Place, held: Held) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MOST {
            tokens.clear();
        }
        tokens.insert(place, held);
    }

    /// A token for one that has no vote, and gives none: whoever has one gives it for all.
    async fn login_elsewhere(&self, place: Place) -> Result<String, Silence> {
        let nobody = "no voter lets us in, and a learner lets nobody in".to_owned();
        let mut why = Silence::Unanswered(Unanswered::Starting(nobody));
        for other in self.let_us_in(place) {
            match self.login_at(other).await {
                Ok(token) => return Ok(token),
                // It may be gone: not asked again before it has let us in itself.
                Err(silent) => {
                    self.forget(other);
                    why = silent;
                }
            }
        }
        Err(why)
    }

    async fn login_at(&self, place: Place) -> Result<String, Silence> {
        let secret = self.secret(place)?;
        let mut talk = self.talk(place).await?;
        talk.login(&secret.unwrap_or_default()).await
    }

    /// The others who let us in themselves, and whom a witness of ours names in this very pass:
    /// an address of before may be another's by now.
    fn let_us_in(&self, place: Place) -> Vec<Place> {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let now = |other: &Place| {
            let at = named.get(other);
            at.is_some_and(|at| at.elapsed() <= self.access.deadline)
        };
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let own = tokens.iter().filter(|(_, held)| held.own);
        let others = own.map(|(other, _)| *other);
        let others = others.filter(|other| *other != place && now(other));
        others.collect()
    }

    fn forget(&self, place: Place) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.remove(&place);
    }

    /// Name and password, where there are any and a witness of ours names this address.
    fn secret(&self, place: Place) -> Result<Option<Value>, Unanswered> {
        let Some(file) = &self.access.password else {
            return Ok(None);
        };
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if !named.contains_key(&place) {
            return Err(Unanswered::Denied(
                "no witness names it, so it is not shown the password".into(),
            ));
        }
        drop(named);
        let password = file
            .read()
            .map_err(|why| Unanswered::Denied(why.to_string()))?;
        let user = self.access.user.as_deref().unwrap_or("root");
        Ok(Some(json!({"name": user, "password": password})))
    }
}

impl Talk<'_> {
    /// One request, and its reply; it logs in where that is asked for.
    ///
    /// # Errors
    ///
    /// It said no, or nothing usable.
    pub async fn ask<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &Value,
    ) -> Result<T, Silence> {
        let first = self.post(path, body).await;
        let refused = match first {
            Err(Silence::Refused(refused)) if refused.wants_a_login() => refused,
            other => return read(&other?),
        };
        let place = self.http.place();
        let Some(secret) = self.client.secret(place)? else {
            return Err(Silence::Refused(refused));
        };
        let held = match self.login(&secret).await {
            Err(Silence::Refused(refused)) if refused.is_a_learners() => Held {
                token: self.client.login_elsewhere(place).await?,
                own: false,
            },
            token => Held {
                token: token?,
                own: true,
            },
        };
        self.client.keep(place, held);
        read(&self.post(path, body).await?)
    }

    async fn login(&mut self, secret: &Value) -> Result<String, Silence> {
        let reply = self.post("/v3/auth/authenticate", secret).await?;
        let Token { token } = read(&reply)?;
        Ok(token)
    }

    /// What is to be read at this path.
    ///
    /// # Errors
    ///
    /// As [`Talk::ask`].
    pub async fn get(&mut self, path: &str) -> Result<String, Silence> {
        let bytes = self.send(Method::GET, path, Bytes::new()).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn post(&mut self, path: &str, body: &Value) -> Result<Bytes, Silence> {
        self.send(Method::POST, path, body.to_string().into()).await
    }

    async fn send(&mut self, method: Method, path: &str, body: Bytes) -> Result<Bytes, Silence> {
        let request = self.http.request(method, path);
        let mut request = request.header(CONTENT_TYPE, "application/json");
        if let Some(token) = self.client.token(self.http.place()) {
            request = request.header(AUTHORIZATION, token);
        }
        let (status, bytes) = self.http.send(request, body).await?;
        if status.is_success() {
            return Ok(bytes);
        }
        Err(match serde_json::from_slice::<Refused>(&bytes) {
            Ok(refused) if refused.code != 0 => Silence::Refused(refused),
            _ if status == StatusCode::NOT_FOUND => {
                let off = "its JSON gateway is off: a configuration file needs \
                           `enable-grpc-gateway: true`";
                garbage(off).into()
            }
            _ => garbage(format!("HTTP status {status}")).into(),
        })
    }
}

fn read<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Silence> {
    serde_json::from_slice(bytes).map_err(|why| garbage(why).into())
}

impl Refused {
    /// Whether it cannot, since it has no vote.
    fn is_a_learners(&self) -> bool {
        self.message.contains("not supported for learner")
    }

    /// Whether it wants a token, or another one: one that was started anew knows none.
    fn wants_a_login(&self) -> bool {
        self.code == UNAUTHENTICATED || self.message.contains("user name is empty")
    }
}

impl Silence {
    /// As an answer to a look.
    pub fn unanswered(self) -> Unanswered {
        match self {
            Silence::Unanswered(why) => why,
            Silence::Refused(refused) => {
                let denied = refused.wants_a_login()
                    || matches!(refused.code, PERMISSION_DENIED)
                    || { refused.message.contains("authentication failed") };
                let why = Told::<200>::from(refused.message).to_string();
                match denied {
                    true => Unanswered::Denied(why),
                    false => Unanswered::Starting(why),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn held(own: bool) -> Held {
        Held {
            token: "t".into(),
            own,
        }
    }

    /// A voter's address was another container's by now, and was shown root's password for a
    /// learner.
    #[tokio::test(start_paused = true)]
    async fn an_address_of_before_was_logged_in_to_for_a_learner() {
        let client = Client::new(Access {
            port: 2379,
            service_port: 2379,
            cluster_name: None,
            user: None,
            password: None,
            tls: None,
            deadline: Duration::from_secs(1),
            options: [].into(),
        });
        let place = |last: u8| Place::from([10, 0, 0, last]);
        for last in [1, 2, 3] {
            client.trust(place(last), true);
            client.keep(place(last), held(last != 3));
        }
        let mut others = client.let_us_in(place(4));
        others.sort();
        assert_eq!(others, [place(1), place(2)], "a learner lets nobody in");
        tokio::time::advance(Duration::from_secs(5)).await;
        client.trust(place(2), true);
        assert_eq!(client.let_us_in(place(4)), [place(2)]);
        client.trust(place(2), false);
        client.trust(place(2), true);
        assert!(client.let_us_in(place(4)).is_empty(), "it lost its trust");
    }
}
