//! One look at one server: some short questions over the connection that is held to it.
//!
//! None of them may wait for what a commit holds that waits for its acknowledgement: where two
//! do, whatever needs the binary log's lock hangs with them, `SHOW BINLOG EVENTS` among it
//! (10.11.19).

use std::sync::Arc;
use std::time::Duration;

use meshworker_core::{
    Answer, Figure, Holdings, Peer, Place, Replication, Role, Told, Unanswered, View,
};
use mysql_async::{FromValueError, Row, Value, from_value_opt};
use tokio::time::{Instant, timeout_at};

use super::client::{Client, Silence, Talk};
use super::detail::{Connection, Detail, Roll, SemiSync, Source};
use super::fence::Mark;
use super::gtid::{Position, State};
use super::hearing::Hearing;
use super::settings;

const PRIMARY: &str = "primary";
const REPLICA: &str = "replica";

/// A server that is well answers within 0.05 s, also in the middle of a transaction of 200 MB;
/// one that does not has time until the next look, and its replicas say whether they hear it.
const ANSWERS: Duration = Duration::from_millis(300);

/// Clients are not led to a replica that is more seconds behind.
const BEHIND: u64 = 5;

/// Nobody has made that table, or that database, yet.
const MISSING: [u16; 2] = [1146, 1049];

/// What every server answers in one row.
const SELF: &str = "SELECT @@server_id id, @@version version, @@read_only closed, \
    @@gtid_binlog_pos written, @@gtid_binlog_state state, @@gtid_slave_pos applied, \
    @@gtid_current_pos current, @@rpl_semi_sync_master_enabled waits, \
    @@rpl_semi_sync_slave_enabled acknowledges, \
    EXISTS (SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN \
    ('mysql', 'sys', 'information_schema', 'performance_schema', 'meshworker')) has_data, \
    (SELECT JSON_VALUE(Priv, '$.authentication_string') FROM mysql.global_priv \
    WHERE User = 'meshworker_replica' AND Host = '%') account";

const STATUS: &str = "SHOW GLOBAL STATUS WHERE Variable_name IN \
    ('Rpl_semi_sync_master_status', 'Rpl_semi_sync_master_clients', \
    'Rpl_semi_sync_master_wait_sessions')";

/// Asks the server at this address who it is and what it sees.
///
/// # Errors
///
/// Why it gave no view.
pub async fn look(client: &Client, hearing: &Hearing, at: Place) -> Answer<Detail> {
    let deadline = client.deadline().min(Instant::now() + ANSWERS);
    let asked = async {
        match once(client, hearing, at, false).await {
            // It ended between two looks: whoever is there now has not been asked.
            Err((Unanswered::Unreachable(_), true)) => once(client, hearing, at, true).await,
            answer => answer,
        }
    };
    match timeout_at(deadline, asked).await {
        Ok(answer) => answer.map_err(|(why, _)| why),
        Err(_) => Err(Unanswered::Timeout),
    }
}

async fn once(
    client: &Client,
    hearing: &Hearing,
    at: Place,
    anew: bool,
) -> Result<View<Detail>, (Unanswered, bool)> {
    let mut talk = client.talk(at, anew).await.map_err(|why| (why, false))?;
    let was_held = talk.was_held;
    match asked(&mut talk, hearing, at).await {
        Ok(view) => {
            talk.hold();
            Ok(view)
        }
        Err(silence) => Err((silence.unanswered(), was_held)),
    }
}

async fn asked(talk: &mut Talk<'_>, hearing: &Hearing, at: Place) -> Result<View<Detail>, Silence> {
    let own = talk
        .row(SELF)
        .await?
        .ok_or_else(|| garbage("nothing of itself"))?;
    let mut detail = Detail {
        version: word::<32>(&own, "version"),
        mark: marked(talk).await?,
        read_only: number(&own, "closed") != 0,
        written: position(&own, "written")?,
        state: State::parse(&text(&own, "state")).ok_or_else(|| garbage("its binlog state"))?,
        applied: position(&own, "applied")?,
        current: position(&own, "current")?,
        has_data: number(&own, "has_data") != 0,
        has_account: talk.is_copiers(&text(&own, "account")),
        semi_sync: SemiSync {
            waits: number(&own, "waits") != 0,
            acknowledges: number(&own, "acknowledges") != 0,
            ..SemiSync::default()
        },
        ..Detail::default()
    };
    for row in talk.rows(STATUS).await? {
        let (name, value) = (text(&row, "Variable_name"), text(&row, "Value"));
        let count = value.parse().unwrap_or(0);
        match name.as_str() {
            "Rpl_semi_sync_master_status" => detail.semi_sync.holds = value == "ON",
            "Rpl_semi_sync_master_clients" => detail.semi_sync.clients = count,
            "Rpl_semi_sync_master_wait_sessions" => detail.semi_sync.waiting = count,
            _ => {}
        }
    }
    let followed = talk.rows("SHOW ALL SLAVES STATUS").await?;
    detail.source = followed.first().map(source).transpose()?;
    if let Some(source) = &mut detail.source {
        let listens = source.connection == Connection::Up;
        let heard = followed.first().filter(|_| listens).map(heard);
        source.silent_ms = hearing.note(at, heard);
    }
    detail.faults = settings::faults(talk).await?;
    if followed.len() > 1 {
        detail
            .faults
            .push("it follows several sources; allowed: one".into());
    }
    detail.roll = roll(talk).await?;
    if !detail.read_only {
        let listed = talk.rows("SHOW SLAVE HOSTS").await?;
        let ids = listed.iter().map(|row| number(row, "Server_id"));
        detail.sends_to = ids.filter_map(|id| u32::try_from(id).ok()).collect();
    }
    Ok(view(text(&own, "id"), detail, at, talk.usual_port()))
}

fn view(id: String, detail: Detail, at: Place, usual: u16) -> View<Detail> {
    let own = Peer {
        node: id.clone(),
        address: Some(at),
        alive: true,
    };
    // Whether it is alive its replica cannot tell for a second: that is for others to say.
    let source = detail.source.as_ref().and_then(|source| {
        Some(Peer {
            node: source.server?.to_string(),
            address: source.place(usual),
            alive: source.connection == Connection::Up,
        })
    });
    let mut peers: Vec<Peer> = source.into_iter().chain([own]).collect();
    peers.sort();
    let open = detail.is_open();
    let working = match &detail.source {
        _ if open => None,
        None => Some("it follows nobody".to_owned()),
        Some(source) if source.connection != Connection::Up => {
            Some("it is not connected with whom it follows".into())
        }
        Some(source) if !source.applies => Some("it does not apply what it receives".into()),
        Some(source) => source
            .behind_s
            .filter(|behind| *behind > BEHIND)
            .map(|_| format!("it is more than {BEHIND} s behind")),
    };
    let role = match (&detail.source, open) {
        (_, true) => Some(Role::primary(PRIMARY)),
        (Some(_), false) if working.is_some() => Some(Role::idle(REPLICA)),
        (Some(_), false) => Some(Role::of(REPLICA)),
        (None, false) => None,
    };
    let role = role.map(|role| role.in_term(detail.mark().term));
    let mut figures = vec![Figure::count("transactions", detail.current.distance())];
    if let Some(behind) = detail.source.as_ref().and_then(|source| source.behind_s) {
        figures.push(Figure::count("seconds behind", behind));
    }
    let follows = detail.source.as_ref().and_then(|source| source.server);
    View {
        node: id,
        cluster_name: None,
        role,
        size: peers.len(),
        peers: Arc::from(peers),
        working,
        holdings: Holdings {
            follows: follows.map(|server| server.to_string()),
            figures,
            refuses_writes: None,
            replication: Some(replication(&detail)),
        },
        detail,
    }
}

fn replication(detail: &Detail) -> Replication {
    let SemiSync {
        waits,
        holds,
        acknowledges,
        clients,
        ..
    } = detail.semi_sync;
    let acknowledges = match (detail.is_open(), waits, holds) {
        (true, true, true) => format!("waits for one of {clients} to acknowledge"),
        (true, true, false) => "has stopped waiting for acknowledgements".into(),
        (true, false, _) => "waits for no acknowledgement".into(),
        (false, ..) if acknowledges => "acknowledges what it receives".into(),
        (false, ..) => "acknowledges nothing".into(),
    };
    Replication {
        position: detail.current.to_string(),
        acknowledges,
        source: detail.source.as_ref().map(Source::told),
    }
}

async fn marked(talk: &mut Talk<'_>) -> Result<Option<Mark>, Silence> {
    let asked = "SELECT promised, holder, role, term, cluster FROM meshworker.fence LIMIT 1";
    let Some(row) = unless_missing(talk.row(asked).await)?.flatten() else {
        return Ok(None);
    };
    Ok(Some(Mark {
        promised: number(&row, "promised"),
        holder: word::<64>(&row, "holder"),
        role: word::<16>(&row, "role"),
        term: number(&row, "term"),
        cluster: word::<64>(&row, "cluster"),
    }))
}

async fn roll(talk: &mut Talk<'_>) -> Result<Option<Roll>, Silence> {
    let asked = "SELECT term, number, ackers FROM meshworker.roll LIMIT 1";
    let Some(row) = unless_missing(talk.row(asked).await)?.flatten() else {
        return Ok(None);
    };
    let ackers = text(&row, "ackers");
    let roll = Roll::parse(number(&row, "term"), number(&row, "number"), &ackers);
    roll.map(Some).ok_or_else(|| garbage("who acknowledges"))
}

fn unless_missing<T>(asked: Result<T, Silence>) -> Result<Option<T>, Silence> {
    match asked {
        Err(Silence::Refused(code, _)) if MISSING.contains(&code) => Ok(None),
        other => other.map(Some),
    }
}

fn source(row: &Row) -> Result<Source, Silence> {
    let error = |number_of: &str, words: &str| {
        let number = u32::try_from(number(row, number_of)).unwrap_or(u32::MAX);
        (number != 0).then(|| (number, word::<200>(row, words)))
    };
    let received = Position::parse(&text(row, "Gtid_IO_Pos"));
    let server = u32::try_from(number(row, "Master_Server_Id")).ok();
    Ok(Source {
        server: server.filter(|server| *server > 0),
        host: word::<64>(row, "Master_Host"),
        port: u16::try_from(number(row, "Master_Port")).unwrap_or(0),
        connection: match text(row, "Slave_IO_Running").as_str() {
            "Yes" => Connection::Up,
            "No" => Connection::Stopped,
            _ => Connection::Trying,
        },
        applies: text(row, "Slave_SQL_Running") == "Yes",
        received: received.ok_or_else(|| garbage("what it has received"))?,
        silent_ms: 0,
        behind_s: text(row, "Seconds_Behind_Master").parse().ok(),
        error: error("Last_SQL_Errno", "Last_SQL_Error")
            .or_else(|| error("Last_IO_Errno", "Last_IO_Error")),
    })
}

/// What grows as long as anything comes from the source.
fn heard(row: &Row) -> String {
    let counted = [
        "Slave_received_heartbeats",
        "Master_Log_File",
        "Read_Master_Log_Pos",
    ];
    counted.map(|column| text(row, column)).join(" ")
}

fn garbage(what: &str) -> Silence {
    Silence::Unanswered(Unanswered::Garbage(what.into()))
}

fn position(row: &Row, column: &str) -> Result<Position, Silence> {
    Position::parse(&text(row, column)).ok_or_else(|| garbage("a position"))
}

/// A column as text; nothing where there is none.
pub(super) fn text(row: &Row, column: &str) -> String {
    let value: Option<Value> = row.get(column);
    let text: Result<String, FromValueError> = from_value_opt(value.unwrap_or(Value::NULL));
    text.unwrap_or_default()
}

fn word<const LONGEST: usize>(row: &Row, column: &str) -> String {
    Told::<LONGEST>::from(text(row, column)).into_string()
}

fn number(row: &Row, column: &str) -> u64 {
    text(row, column).parse().unwrap_or(0)
}
