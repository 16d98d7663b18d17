//! The tables, and what of them is what.

use meshworker_group::{Entry, GroupId, Kind, Save, Saved, Snapshot, StoreId};
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension as _, Row, Transaction, params};

type Result<T, E = Error> = std::result::Result<T, E>;

/// Numbers are kept with their bits: SQLite's have a sign.
const TABLES: &str = "
    CREATE TABLE me (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        store INTEGER NOT NULL,
        in_group INTEGER,
        term INTEGER NOT NULL,
        vote INTEGER NOT NULL,
        committed INTEGER NOT NULL,
        cut INTEGER NOT NULL,
        cut_term INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE snapshot (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        at INTEGER NOT NULL,
        term INTEGER NOT NULL,
        voters TEXT NOT NULL,
        learners TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE entries (
        at INTEGER PRIMARY KEY,
        term INTEGER NOT NULL,
        kind TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
";

/// What is to be ordered in the next group: one row at most, of JSON.
const BEQUEST: &str = "
    CREATE TABLE IF NOT EXISTS bequest (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        orders BLOB NOT NULL
    ) STRICT;
";

/// Makes what a store of before did not have.
pub(super) fn complete(connection: &Connection) -> Result<()> {
    connection.execute_batch(BEQUEST)
}

/// Makes them.
pub(super) fn create(connection: &Connection) -> Result<()> {
    connection.execute_batch(TABLES)
}

/// Forgets everything, and is this store from now on.
pub(super) fn begin(connection: &Connection, store: StoreId) -> Result<()> {
    connection.execute_batch("DELETE FROM me; DELETE FROM snapshot; DELETE FROM entries")?;
    let row = params![store.0.cast_signed()];
    connection.execute("INSERT INTO me VALUES (1, ?1, NULL, 0, 0, 0, 0, 0)", row)?;
    Ok(())
}

/// Writes what [`Saved::keep`] would do.
pub(super) fn write(transaction: &Transaction<'_>, save: &Save) -> Result<()> {
    let Save {
        anew,
        group,
        hard,
        snapshot,
        cut,
        entries,
        bequest,
    } = save;
    if let Some(store) = anew {
        begin(transaction, *store)?;
    }
    if let Some(group) = group {
        let row = params![group.0.cast_signed()];
        transaction.execute("UPDATE me SET in_group = ?1", row)?;
    }
    if let Some((term, vote, committed)) = hard {
        let row = [term, vote, committed].map(|number| number.cast_signed());
        transaction.execute("UPDATE me SET term = ?1, vote = ?2, committed = ?3", row)?;
    }
    if let Some(orders) = bequest {
        transaction.execute("DELETE FROM bequest", [])?;
        if !orders.is_empty() {
            let orders = serde_json::to_vec(orders);
            let orders = orders.map_err(|why| Error::ToSqlConversionFailure(Box::new(why)))?;
            transaction.execute("INSERT INTO bequest VALUES (1, ?1)", [orders])?;
        }
    }
    if let Some(snapshot) = snapshot {
        transaction.execute(
            "INSERT OR REPLACE INTO snapshot VALUES (1, ?1, ?2, ?3, ?4, ?5)",
            params![
                snapshot.index.cast_signed(),
                snapshot.term.cast_signed(),
                names(&snapshot.voters),
                names(&snapshot.learners),
                snapshot.body,
            ],
        )?;
    }
    if let Some((cut, term)) = cut {
        let row = [cut, term].map(|number| number.cast_signed());
        transaction.execute("UPDATE me SET cut = ?1, cut_term = ?2", row)?;
        transaction.execute("DELETE FROM entries WHERE at <= ?1", [cut.cast_signed()])?;
    }
    if let Some(first) = entries.first() {
        let first = [first.index.cast_signed()];
        transaction.execute("DELETE FROM entries WHERE at >= ?1", first)?;
        let mut insert = transaction.prepare("INSERT INTO entries VALUES (?1, ?2, ?3, ?4)")?;
        for entry in entries {
            insert.execute(params![
                entry.index.cast_signed(),
                entry.term.cast_signed(),
                kind(entry.kind),
                entry.body,
            ])?;
        }
    }
    Ok(())
}

/// Reads all.
pub(super) fn read(connection: &Connection) -> Result<Saved> {
    let mut entries = connection.prepare("SELECT at, term, kind, body FROM entries ORDER BY at")?;
    let entries = entries.query_map([], |row| {
        Ok(Entry {
            index: number(row, 0)?,
            term: number(row, 1)?,
            kind: kind_of(row, 2)?,
            body: row.get(3)?,
        })
    })?;
    let entries = entries.collect::<Result<_>>()?;
    let snapshot = "SELECT at, term, voters, learners, body FROM snapshot";
    let snapshot = connection.query_row(snapshot, [], |row| {
        Ok(Snapshot {
            index: number(row, 0)?,
            term: number(row, 1)?,
            voters: stores(row, 2)?,
            learners: stores(row, 3)?,
            body: row.get(4)?,
        })
    });
    let snapshot = snapshot.optional()?.unwrap_or_default();
    let bequest = "SELECT orders FROM bequest";
    let bequest = connection.query_row(bequest, [], |row| row.get::<_, Vec<u8>>(0));
    let bequest = bequest
        .optional()?
        .map(|json| serde_json::from_slice(&json));
    let unread = |why| Error::FromSqlConversionFailure(0, Type::Blob, Box::new(why));
    let bequest = bequest.transpose().map_err(unread)?.unwrap_or_default();
    let me = "SELECT store, in_group, term, vote, committed, cut, cut_term FROM me";
    connection.query_row(me, [], |row| {
        let group: Option<i64> = row.get(1)?;
        Ok(Saved {
            store: StoreId(number(row, 0)?),
            group: group.map(|group| GroupId(group.cast_unsigned())),
            hard: (number(row, 2)?, number(row, 3)?, number(row, 4)?),
            snapshot,
            cut: (number(row, 5)?, number(row, 6)?),
            entries,
            bequest,
        })
    })
}

fn number(row: &Row<'_>, column: usize) -> Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

fn names(stores: &[StoreId]) -> String {
    let names: Vec<String> = stores.iter().map(StoreId::to_string).collect();
    names.join(" ")
}

fn stores(row: &Row<'_>, column: usize) -> Result<Vec<StoreId>> {
    let names: String = row.get(column)?;
    let stores: Result<_, _> = names.split_whitespace().map(str::parse).collect();
    stores.map_err(|why| Error::FromSqlConversionFailure(column, Type::Text, Box::new(why)))
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Command => "command",
        Kind::Voters => "voters",
    }
}

fn kind_of(row: &Row<'_>, column: usize) -> Result<Kind> {
    let name: String = row.get(column)?;
    let all = [Kind::Command, Kind::Voters];
    let known = all.into_iter().find(|one| kind(*one) == name);
    known.ok_or(Error::InvalidColumnType(column, name, Type::Text))
}
