//! One connection to each server, which is held from look to look.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use meshworker_core::{Place, Told, Unanswered};
use mysql_async::prelude::Queryable;
use mysql_async::{ClientIdentity, Conn, Error, OptsBuilder, Row, SslOpts};
use ring::{digest, hmac};
use tokio::time::{Instant, timeout_at};

use crate::{Access, Failure};

/// The longest packet of a reply that is read: a row of what a server says of itself takes a
/// tenth.
const LONGEST: usize = 1 << 20;

/// More addresses than witnesses of ours can name at a time.
const MOST: usize = 16384;

/// The user of the vendor's image, which has a password and nothing else.
const USER: &str = "root";

/// The account by which members receive from each other. It may do nothing else.
pub const COPIER: &str = "meshworker_replica";

/// What a server says that lets nobody in for now: connections, an account's, starts.
const CROWDED: [u16; 4] = [1040, 1203, 1226, 1053];

/// What it says to whoever may not come in.
const DENIED: [u16; 6] = [1044, 1045, 1129, 1130, 1698, 1251];

/// Talks to servers.
pub struct Client {
    access: Access,
    /// Whom a witness of ours names: nobody else is shown the password.
    named: Mutex<HashSet<Place>>,
    held: Mutex<HashMap<Place, Conn>>,
}

/// A conversation with one server. It is held on only where it is said to have gone well.
pub struct Talk<'a> {
    client: &'a Client,
    place: Place,
    conn: Conn,
    /// Whether it was held before: it may have ended since.
    pub was_held: bool,
}

/// Why there is no reply.
#[derive(Debug)]
pub enum Silence {
    /// It understood, and said no: by which number, and why.
    Refused(u16, String),
    /// It gave no usable answer.
    Unanswered(Unanswered),
}

impl Client {
    pub fn new(access: Access) -> Client {
        Client {
            access,
            named: Mutex::default(),
            held: Mutex::default(),
        }
    }

    /// Notes whether a witness of ours names this address: from then on it is logged in
    /// to, or not.
    pub fn trust(&self, place: Place, named: bool) {
        let mut all = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        match named {
            true => all.insert(place),
            false => all.remove(&place),
        };
    }

    /// When a request that begins now must have ended.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.access.deadline
    }

    /// The connection that is held to whoever is there, or a new one.
    ///
    /// # Errors
    ///
    /// Nobody listens there, or nobody is let in.
    pub async fn talk(&self, place: Place, anew: bool) -> Result<Talk<'_>, Unanswered> {
        let held = {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.remove(&place)
        };
        let (conn, was_held) = match held.filter(|_| !anew) {
            Some(conn) => (conn, true),
            None => (self.dial(place).await?, false),
        };
        Ok(Talk {
            client: self,
            place,
            conn,
            was_held,
        })
    }

    async fn dial(&self, place: Place) -> Result<Conn, Unanswered> {
        let options = self.options(place)?;
        // Members are neighbours: see `dial`.
        let until = Instant::now() + (self.access.deadline / 4).max(Duration::from_millis(500));
        match timeout_at(until, Conn::new(options)).await {
            Ok(conn) => conn.map_err(|why| Silence::of(why).unanswered()),
            Err(_) => Err(Unanswered::Timeout),
        }
    }

    fn options(&self, place: Place) -> Result<OptsBuilder, Unanswered> {
        let denied = |why: String| Unanswered::Denied(why);
        let (user, password) = self.login(place).map_err(denied)?;
        let socket = place.socket(self.access.service_port);
        let options = OptsBuilder::default()
            .ip_or_hostname(socket.ip().to_string())
            .tcp_port(socket.port())
            .user(Some(user))
            .pass(password)
            .prefer_socket(false)
            .stmt_cache_size(0)
            .max_allowed_packet(Some(LONGEST))
            .wait_timeout(Some(28800))
            // Text is quoted as we quote it, whatever the server was told.
            .init(vec![
                "SET SESSION sql_mode = '', SESSION lock_wait_timeout = 1",
            ]);
        let Some(tls) = &self.access.tls else {
            return Ok(options);
        };
        let roots = tls.ca_file.clone().map(Into::into);
        let mut ssl = SslOpts::default().with_root_certs(roots.into_iter().collect());
        if let Some((chain, key)) = &tls.client {
            let identity = ClientIdentity::new(chain.clone().into(), key.clone().into());
            ssl = ssl.with_client_identity(Some(identity));
        }
        if let Some(name) = tls.server_name.clone() {
            ssl = ssl.with_danger_tls_hostname_override(Some(name));
        }
        Ok(options.ssl_opts(ssl))
    }

    /// The password of [`COPIER`]: another one for each password of the worker's own, which
    /// does not follow from it.
    ///
    /// # Errors
    ///
    /// The worker's own cannot be read.
    pub fn copiers_password(&self) -> Result<String, Failure> {
        let own = match &self.access.password {
            Some(file) => file.read(),
            None => Ok(String::new()),
        };
        let own = own.map_err(|why| Failure::NotMade(why.to_string()))?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, own.as_bytes());
        let tag = hmac::sign(&key, COPIER.as_bytes());
        Ok(tag
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect())
    }

    /// User and password, where a witness of ours names this address.
    ///
    /// # Errors
    ///
    /// It is named by nobody, or the password cannot be read.
    pub fn login(&self, place: Place) -> Result<(String, Option<String>), String> {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if !named.contains(&place) {
            return Err("no witness names it, so it is not shown the password".into());
        }
        drop(named);
        let password = match &self.access.password {
            Some(file) => Some(file.read().map_err(|why| why.to_string())?),
            None => None,
        };
        Ok((
            self.access.user.clone().unwrap_or_else(|| USER.into()),
            password,
        ))
    }
}

impl Talk<'_> {
    /// Whether this is how a server keeps the password of [`COPIER`].
    pub fn is_copiers(&self, kept: &str) -> bool {
        let password = self.client.copiers_password();
        password.is_ok_and(|password| scrambled(&password) == kept)
    }

    /// The port of all servers.
    pub fn usual_port(&self) -> u16 {
        self.client.access.service_port
    }

    /// All rows of one question.
    ///
    /// # Errors
    ///
    /// It said no, or nothing usable.
    pub async fn rows(&mut self, question: &str) -> Result<Vec<Row>, Silence> {
        self.conn.query(question).await.map_err(Silence::of)
    }

    /// The first row of it.
    ///
    /// # Errors
    ///
    /// As [`Talk::rows`].
    pub async fn row(&mut self, question: &str) -> Result<Option<Row>, Silence> {
        Ok(self.rows(question).await?.into_iter().next())
    }

    /// Does something.
    ///
    /// # Errors
    ///
    /// As [`Talk::rows`].
    pub async fn tell(&mut self, command: &str) -> Result<(), Silence> {
        self.conn.query_drop(command).await.map_err(Silence::of)
    }

    /// It went well: the next one finds this connection.
    pub fn hold(self) {
        let mut held = (self.client.held.lock()).unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MOST {
            held.clear();
        }
        held.insert(self.place, self.conn);
    }
}

impl Silence {
    fn of(why: Error) -> Silence {
        let told = |text: String| Told::<200>::from(text).into_string();
        match why {
            Error::Server(said) => Silence::Refused(said.code, told(said.message)),
            Error::Io(why) => Silence::Unanswered(Unanswered::Unreachable(told(why.to_string()))),
            Error::Driver(mysql_async::DriverError::ConnectionClosed) => {
                Silence::Unanswered(Unanswered::Unreachable("it hung up".into()))
            }
            other => Silence::Unanswered(Unanswered::Garbage(told(other.to_string()))),
        }
    }

    /// As an answer to a look.
    pub fn unanswered(self) -> Unanswered {
        match self {
            Silence::Unanswered(why) => why,
            Silence::Refused(code, why) if DENIED.contains(&code) => Unanswered::Denied(why),
            Silence::Refused(code, why) if CROWDED.contains(&code) => Unanswered::Starting(why),
            Silence::Refused(code, why) => Unanswered::Garbage(format!("{code}: {why}")),
        }
    }
}

impl From<Silence> for Failure {
    fn from(silence: Silence) -> Failure {
        match silence {
            Silence::Refused(code, why) => Failure::Refused(format!("{code}: {why}")),
            Silence::Unanswered(why) => Failure::Unanswered(why.to_string()),
        }
    }
}

/// A password as a server keeps it.
/// <https://mariadb.com/kb/en/authentication-plugin-mysql_native_password/>
pub fn scrambled(password: &str) -> String {
    let sha1 = |bytes: &[u8]| digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let twice = sha1(sha1(password.as_bytes()).as_ref());
    let digits = twice.as_ref().iter().map(|byte| format!("{byte:02X}"));
    format!("*{}", digits.collect::<String>())
}
