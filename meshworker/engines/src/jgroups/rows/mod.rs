//! The tables in which members find their coordinator: files of `FILE_PING`, and rows of
//! `JDBC_PING2` and `JDBC_PING` in a database.
//!
//! A row that a killed coordinator has left makes each newcomer wait for it, and then found a
//! group of its own (`join_timeout` times `max_join_attempts`). It is removed when the gates
//! say so, by its key and its content: whoever has written it anew keeps it.

mod files;
mod table;

use std::fmt;

use meshworker_core::{Place, Told};
use serde::Serialize;
use tokio::time::Instant;

use super::words::{is_uuid, socket};
use super::{FILES, NONE, PORT, TABLE};
use crate::{Access, Failure};

pub use files::file;
pub use table::Address;

/// Where rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Store {
    /// A file in the group's folder.
    File,
    /// A row of `JDBC_PING2`.
    Table,
    /// A row of `JDBC_PING`.
    OldTable,
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Store::File => "file",
            Store::Table | Store::OldTable => "row",
        })
    }
}

/// What a coordinator has written of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Where.
    pub store: Store,
    /// The group's name.
    pub group: String,
    /// Under which key: a file's name, or the column that stands for the member.
    pub key: String,
    /// All of it, as it was read.
    #[serde(skip)]
    pub content: Vec<u8>,
    /// Who.
    pub coordinator: Coordinator,
}

/// Who says of itself that it coordinates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coordinator {
    /// Who it is: drawn anew with each start.
    pub node: String,
    /// What people call it.
    pub name: String,
    /// Where others reach it.
    pub place: Option<Place>,
}

/// The tables of one group.
pub struct Rows {
    folder: Option<std::path::PathBuf>,
    table: Option<table::Table>,
}

impl Rows {
    pub fn new(access: &Access) -> Rows {
        let option = |name: &str| access.options.get(name).filter(|value| *value != NONE);
        Rows {
            folder: option(FILES).map(Into::into),
            table: option(TABLE)
                .and_then(|at| Address::parse(at))
                .map(|at| table::Table::new(at, access)),
        }
    }

    /// What coordinators have written; none where no table is read.
    ///
    /// # Errors
    ///
    /// Why one cannot be read.
    pub async fn read(&self, group: &str, deadline: Instant) -> Result<Option<Vec<Row>>, String> {
        let mut all = None;
        if let Some(folder) = self.folder.clone() {
            let group = group.to_owned();
            let read = tokio::task::spawn_blocking(move || files::read(&folder, &group)).await;
            let read = read.map_err(|why| why.to_string())??;
            all.get_or_insert_with(Vec::new).extend(read);
        }
        if let Some(table) = &self.table {
            let read = table.read(group, deadline).await?;
            all.get_or_insert_with(Vec::new).extend(read);
        }
        Ok(all)
    }

    /// Removes a row that is still what it was; one that is gone or another by now is no
    /// failure: the next look tells.
    ///
    /// # Errors
    ///
    /// It cannot be removed.
    pub async fn remove(&self, row: &Row, deadline: Instant) -> Result<String, Failure> {
        match (row.store, &self.folder, &self.table) {
            (Store::File, Some(folder), _) => {
                let (folder, row) = (folder.clone(), row.clone());
                let removed = tokio::task::spawn_blocking(move || files::remove(&folder, &row));
                removed
                    .await
                    .map_err(|why| Failure::Unanswered(why.to_string()))?
            }
            (Store::Table | Store::OldTable, _, Some(table)) => table.remove(row, deadline).await,
            _ => Err(Failure::NotMade("there is no such table".into())),
        }
    }
}

/// A row of `JDBC_PING2`, if a coordinator has written it: `uuid://…`, and where it is.
pub fn row(group: &str, address: &str, name: Option<&str>, ip: &str, coord: bool) -> Option<Row> {
    let node = address.strip_prefix("uuid://")?;
    if !coord || !is_uuid(node) || address.len() > 200 {
        return None;
    }
    let name = name.unwrap_or_default();
    Some(Row {
        store: Store::Table,
        group: group.to_owned(),
        key: address.to_owned(),
        content: [name, ip].join("\0").into_bytes(),
        coordinator: Coordinator {
            node: node.to_owned(),
            name: Told::<200>::from(name).into_string(),
            place: at(ip),
        },
    })
}

fn at(ip: &str) -> Option<Place> {
    let socket = socket(ip)?;
    Some(Place::new(socket.ip(), socket.port(), PORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_coordinators_rows_are_of_interest() {
        let uuid = "1128d579-e23c-4a38-9fd0-42bcf40aa007";
        let address = format!("uuid://{uuid}");
        let row = |address: &str, coord| row("chat", address, Some("A"), "10.0.0.1:7801", coord);
        let read = row(&address, true).unwrap();
        assert_eq!(read.coordinator.node, uuid);
        assert_eq!(read.coordinator.place, "10.0.0.1:7801".parse().ok());
        assert_eq!(row(&address, false), None);
        assert_eq!(row("ip://10.0.0.1:7800", true), None);
    }
}
