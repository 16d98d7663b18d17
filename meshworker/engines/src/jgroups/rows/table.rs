//! Rows of `JDBC_PING2` and `JDBC_PING` in a MariaDB (`protocols/JDBC_PING2.java`,
//! `protocols/JDBC_PING.java`).

use meshworker_core::Told;
use meshworker_gossip::Ping;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, OptsBuilder, Params};
use tokio::time::{Instant, timeout_at};

use super::super::words::place;
use super::{Coordinator, Row, Store};
use crate::{Access, Failure, SecretFile};

/// There is no such column: the table is the other one's.
const NO_COLUMN: u16 = 1054;

/// Nobody has made that table, or that database, yet.
const MISSING: [u16; 2] = [1146, 1049];

/// The longest packet of a reply.
const LONGEST: usize = 1 << 20;

/// More members than a group has.
const MOST: usize = 16_384;

/// Where a table is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
    database: String,
    table: String,
}

impl Address {
    /// `mariadb://HOST[:PORT]/DATABASE/TABLE`.
    pub fn parse(text: &str) -> Option<Address> {
        let rest = text.strip_prefix("mariadb://")?;
        let mut parts = rest.split('/');
        let (server, database, table) = (parts.next()?, parts.next()?, parts.next()?);
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (server, 3306),
        };
        let plain = |name: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
            !name.is_empty() && name.len() <= 64 && name.chars().all(fits)
        };
        let valid = parts.next().is_none() && plain(database) && plain(table) && !host.is_empty();
        valid.then(|| Address {
            host: host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned(),
            port,
            database: database.to_owned(),
            table: table.to_owned(),
        })
    }
}

/// A table, and who may read it.
pub struct Table {
    at: Address,
    user: Option<String>,
    password: Option<SecretFile>,
}

impl Table {
    pub fn new(at: Address, access: &Access) -> Table {
        Table {
            at,
            user: access.user.clone(),
            password: access.password.clone(),
        }
    }

    /// What coordinators of this group have written there.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub async fn read(&self, group: &str, deadline: Instant) -> Result<Vec<Row>, String> {
        let read = async {
            let mut conn = self.dial().await?;
            let rows = self.rows(&mut conn, group).await;
            let _ = conn.disconnect().await;
            rows.map_err(|why| why.to_string())
        };
        let read = timeout_at(deadline, read).await;
        let read = read.unwrap_or_else(|_| Err("no answer before the deadline".into()));
        read.map_err(|why| format!("table: {}: {}", self.at.host, Told::<200>::from(why)))
    }

    /// Removes the row of this key, if it is what it was.
    ///
    /// # Errors
    ///
    /// The database said no, or nothing.
    pub async fn remove(&self, row: &Row, deadline: Instant) -> Result<String, Failure> {
        let table = &self.at.table;
        let (key, group) = (row.key.clone(), row.group.clone());
        let (statement, params) = match row.store {
            Store::OldTable => (
                format!(
                    "DELETE FROM `{table}` WHERE own_addr = ? AND cluster_name = ? AND ping_data = ?"
                ),
                Params::from((key, group, row.content.clone())),
            ),
            _ => {
                let content = String::from_utf8_lossy(&row.content).into_owned();
                let (name, ip) = content.split_once('\0').unwrap_or_default();
                (
                    format!(
                        "DELETE FROM `{table}` WHERE address = ? AND cluster = ? AND COALESCE(name, '') = ? AND ip = ? AND coord"
                    ),
                    Params::from((key, group, name.to_owned(), ip.to_owned())),
                )
            }
        };
        let removed = async {
            let mut conn = self.dial().await.map_err(Failure::Unanswered)?;
            let done = conn.exec_drop(statement, params).await;
            let count = conn.affected_rows();
            let _ = conn.disconnect().await;
            match done {
                Ok(()) if count == 0 => Ok("it is gone, or another one by now".to_owned()),
                Ok(()) => Ok("removed".to_owned()),
                Err(Error::Server(said)) => Err(Failure::Refused(
                    Told::<200>::from(said.message).into_string(),
                )),
                Err(why) => Err(Failure::Unanswered(
                    Told::<200>::from(why.to_string()).into_string(),
                )),
            }
        };
        let removed = timeout_at(deadline, removed).await;
        removed.unwrap_or_else(|_| Err(Failure::Unanswered("no answer before the deadline".into())))
    }

    async fn dial(&self) -> Result<Conn, String> {
        let password = match &self.password {
            Some(file) => Some(file.read().map_err(|why| why.to_string())?),
            None => None,
        };
        let options = OptsBuilder::default()
            .ip_or_hostname(self.at.host.clone())
            .tcp_port(self.at.port)
            .user(self.user.clone())
            .pass(password)
            .db_name(Some(self.at.database.clone()))
            .prefer_socket(false)
            .stmt_cache_size(0)
            .max_allowed_packet(Some(LONGEST));
        Conn::new(options).await.map_err(|why| why.to_string())
    }

    async fn rows(&self, conn: &mut Conn, group: &str) -> Result<Vec<Row>, Error> {
        let table = &self.at.table;
        let newer = format!(
            "SELECT address, name, ip, coord FROM `{table}` WHERE cluster = ? LIMIT {MOST}"
        );
        let newer: Result<Vec<Newer>, Error> = conn.exec(newer, (group,)).await;
        match newer {
            Ok(rows) => {
                let rows = rows.iter();
                let rows = rows.filter_map(|(address, name, ip, coord)| {
                    super::row(group, address, name.as_deref(), ip, *coord)
                });
                Ok(rows.collect())
            }
            Err(Error::Server(said)) if MISSING.contains(&said.code) => Ok(Vec::new()),
            Err(Error::Server(said)) if said.code == NO_COLUMN => {
                let older = format!(
                    "SELECT own_addr, ping_data FROM `{table}` WHERE cluster_name = ? LIMIT {MOST}"
                );
                let rows: Vec<(String, Vec<u8>)> = conn.exec(older, (group,)).await?;
                Ok(rows
                    .into_iter()
                    .filter_map(|(key, data)| kept(group, key, data))
                    .collect())
            }
            Err(why) => Err(why),
        }
    }
}

/// Address, name, place, and whether it coordinates.
type Newer = (String, Option<String>, String, bool);

/// A row of `JDBC_PING`, if it is that of one coordinator. Those that cannot be read are none:
/// members remove them by themselves.
fn kept(group: &str, key: String, data: Vec<u8>) -> Option<Row> {
    let pings = Ping::kept(&data).ok()?;
    let [ping] = &pings[..] else { return None };
    let node = ping.address.to_string();
    (ping.coordinates && node == key).then(|| Row {
        store: Store::OldTable,
        group: group.to_owned(),
        key,
        content: data,
        coordinator: Coordinator {
            node,
            name: ping
                .name
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            place: ping.at.as_ref().and_then(place),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_table_is() {
        let parsed = Address::parse("mariadb://db:3307/app/JGROUPSPING").unwrap();
        assert_eq!((parsed.host.as_str(), parsed.port), ("db", 3307));
        assert_eq!(
            (parsed.database.as_str(), parsed.table.as_str()),
            ("app", "JGROUPSPING")
        );
        assert!(Address::parse("mariadb://db/app/jgroups").is_some());
        for wrong in [
            "mariadb://db/app",
            "mariadb://db/app/a`b",
            "mysql://db/a/b",
            "mariadb:///a/b",
        ] {
            assert_eq!(Address::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn rows_of_the_older_table() {
        let uuid = "7e7d6719-68c3-4125-9437-2af1c84a76ca";
        let hex = "0294372af1c84a76ca7e7d671968c34125030100014110047f0000011eddffff";
        let bytes = |hex: &str| -> Vec<u8> {
            let pairs = hex.as_bytes().chunks(2);
            let pairs =
                pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16));
            pairs.map(Result::unwrap).collect()
        };
        let row = kept("chat", uuid.into(), bytes(hex)).unwrap();
        assert_eq!(row.coordinator.place, "127.0.0.1:7901".parse().ok());
        let member = hex.replacen("2503", "2501", 1);
        assert_eq!(kept("chat", uuid.into(), bytes(&member)), None);
        assert_eq!(kept("chat", "else".into(), bytes(hex)), None);
    }
}
