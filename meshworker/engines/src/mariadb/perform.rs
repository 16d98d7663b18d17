//! Requests, as a server takes them: each one compound statement, which first asks the
//! server's own fence.
//!
//! Measured on 10.11: `STOP SLAVE IO_THREAD` takes two seconds while the source hangs, and
//! 13 ms once the thread was killed. `KILL QUERY` of a commit that waits, and switching
//! semi-sync off while one does, answer OK without any acknowledgement: neither is ever done.

use meshworker_core::{Place, Told, Unanswered};
use tokio::time::timeout_at;

use super::client::{COPIER, Client, Talk, scrambled};
use super::fence::{self, JOINING, PRIMARY, REPLICA};
use super::look::text;
use super::request::{Act, MariadbRequest};
use super::settings;
use crate::Failure;

/// Stops receiving, also from a source that hangs. What was received is applied on.
const STOP_RECEIVING: &str = "\
    BEGIN DECLARE n INT DEFAULT 0; DECLARE CONTINUE HANDLER FOR 1094 BEGIN END; \
    FOR t IN (SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND = 'Slave_IO') DO \
    KILL t.ID; \
    WHILE n < 30 AND EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = t.ID) DO \
    DO SLEEP(0.01); SET n = n + 1; END WHILE; END FOR; END; \
    STOP SLAVE IO_THREAD; ";

/// Ends what clients do here; never their statements alone, which would answer OK.
const END_CLIENTS: &str = "\
    BEGIN DECLARE CONTINUE HANDLER FOR 1094 BEGIN END; \
    FOR t IN (SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() \
    AND COMMAND NOT LIKE 'Binlog Dump%' AND COMMAND NOT LIKE 'Slave%' AND COMMAND <> 'Daemon' \
    AND USER NOT IN ('system user', 'event_scheduler')) DO KILL t.ID; END FOR; END; ";

/// A commit that waits for its acknowledgement would be told that it is done.
const NOBODY_WAITS: &str = "\
    IF EXISTS (SELECT 1 FROM information_schema.GLOBAL_STATUS \
    WHERE VARIABLE_NAME = 'RPL_SEMI_SYNC_MASTER_WAIT_SESSIONS' AND VARIABLE_VALUE > 0) \
    THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a commit waits here'; END IF; ";

/// How long one that is about to be promoted may take to apply what it has received, in
/// seconds: the views have said that it has.
const APPLIES: u32 = 1;

/// Makes one request to the server at `to`, if it is the one that is meant.
///
/// # Errors
///
/// It refused, another one lives there now, or no answer came in time.
pub async fn perform(
    client: &Client,
    to: Place,
    request: &MariadbRequest,
) -> Result<String, Failure> {
    let deadline = client.deadline();
    let asked = async {
        let unanswered = |why: Unanswered| Failure::Unanswered(why.to_string());
        let mut talk = client.talk(to, false).await.map_err(unanswered)?;
        // It may have ended since the look.
        if talk.was_held && talk.tell("DO 1").await.is_err() {
            talk = client.talk(to, true).await.map_err(unanswered)?;
        }
        meant(&mut talk, to, request).await?;
        act(client, &mut talk, &request.act).await?;
        talk.hold();
        Ok("done".to_owned())
    };
    match timeout_at(deadline, asked).await {
        Ok(reply) => reply,
        Err(_) => Err(Failure::Unanswered("no answer before the deadline".into())),
    }
}

async fn meant(talk: &mut Talk<'_>, to: Place, request: &MariadbRequest) -> Result<(), Failure> {
    let row = talk.row("SELECT @@server_id id").await?;
    let found = row.map(|row| text(&row, "id")).unwrap_or_default();
    if found == request.server.to_string() {
        return Ok(());
    }
    let (asked, found) = (request.server, Told::<64>::from(found));
    Err(Failure::Refused(format!(
        "at {to} lives server {found} now, not {asked}"
    )))
}

async fn act(client: &Client, talk: &mut Talk<'_>, act: &Act) -> Result<(), Failure> {
    match act {
        Act::Fence => {
            talk.tell("SET SESSION sql_log_bin = 0").await?;
            for command in fence::MAKE {
                talk.tell(command).await?;
            }
        }
        Act::Seal { term, holder, .. } => {
            let promise = promise(*term, holder)?;
            unlogged(talk, &format!("{promise}{STOP_RECEIVING}")).await?;
        }
        Act::Promote {
            term,
            holder,
            cluster,
            position,
            ackers,
            waits,
        } => {
            let promise = promise(*term, holder)?;
            let applied = match position.is_empty() {
                true => String::new(),
                false => format!(
                    "IF MASTER_GTID_WAIT('{position}', {APPLIES}) <> 0 THEN {} END IF; ",
                    refuse("it has not applied what it has received")
                ),
            };
            let mark = mark(PRIMARY, *term, cluster)?;
            unlogged(talk, &format!("{promise}{applied}{mark}")).await?;
            account(client, talk, false).await?;
            if let Some(ackers) = ackers {
                // Nobody writes yet, and nobody waits for an acknowledgement.
                enrol(client, talk, (*term, 1), ackers).await?;
            }
            // Asked once more: somebody else may have been promised a higher term since.
            let promise = self::promise(*term, holder)?;
            let waits = u8::from(*waits);
            let open = format!(
                "{promise}STOP SLAVE; RESET SLAVE ALL; \
                 SET GLOBAL rpl_semi_sync_master_enabled = {waits}; SET GLOBAL read_only = 0; "
            );
            unlogged(talk, &open).await?;
        }
        Act::Follow {
            term,
            cluster,
            host,
            port,
            demote,
            copied,
            source: _,
        } => {
            let password = client.copiers_password()?;
            let within = within(*term);
            let mark = mark(JOINING, *term, cluster)?;
            let copied = copied
                .as_ref()
                .map(|position| format!("SET GLOBAL gtid_slave_pos = '{position}'; "));
            let copied = copied.unwrap_or_default();
            let demote = if *demote {
                ", MASTER_DEMOTE_TO_SLAVE = 1"
            } else {
                ""
            };
            let follow = format!(
                "{within}{NOBODY_WAITS}{STOP_RECEIVING}{mark}STOP SLAVE; {copied}\
                 SET GLOBAL read_only = 1; {NOBODY_WAITS}\
                 SET GLOBAL rpl_semi_sync_master_enabled = 0; \
                 SET GLOBAL rpl_semi_sync_slave_enabled = 1; \
                 CHANGE MASTER TO MASTER_HOST = '{host}', MASTER_PORT = {port}, \
                 MASTER_USER = '{COPIER}', MASTER_PASSWORD = '{password}', \
                 MASTER_USE_GTID = slave_pos, MASTER_HEARTBEAT_PERIOD = 0.1, \
                 MASTER_CONNECT_RETRY = 1{demote}; START SLAVE; "
            );
            unlogged(talk, &follow).await?;
        }
        Act::Resume { term, cluster } => {
            let (within, mark) = (within(*term), mark(REPLICA, *term, cluster)?);
            unlogged(talk, &format!("{within}{mark}START SLAVE IO_THREAD; ")).await?;
        }
        Act::Vouch {
            term,
            cluster,
            position,
        } => {
            let (within, mark) = (within(*term), mark(REPLICA, *term, cluster)?);
            let refuse = refuse("it has not applied that yet");
            let vouch = format!(
                "{within}IF MASTER_GTID_WAIT('{position}', {APPLIES}) <> 0 THEN {refuse} END IF; \
                 {mark}"
            );
            unlogged(talk, &vouch).await?;
        }
        Act::Enrol {
            term,
            number,
            ackers,
        } => {
            account(client, talk, false).await?;
            let opened = opened(*term);
            // Nobody is enrolled where one member alone is wished for: then there is nobody to
            // wait for.
            let waits = u8::from(!ackers.is_empty());
            let waits = format!("SET GLOBAL rpl_semi_sync_master_enabled = {waits}; ");
            unlogged(
                talk,
                &format!("{opened}{}{waits}", settings::never_stops_waiting()),
            )
            .await?;
            enrol(client, talk, (*term, *number), ackers).await?;
        }
        Act::Retire { term } => {
            let within = within(*term);
            unlogged(talk, &format!("{within}{STOP_RECEIVING}")).await?;
        }
        Act::Close { term } => {
            let opened = opened(*term);
            let close = format!("{opened}SET GLOBAL read_only = 1; {END_CLIENTS}");
            unlogged(talk, &close).await?;
        }
    }
    Ok(())
}

/// One compound statement that stands in no binary log.
async fn unlogged(talk: &mut Talk<'_>, body: &str) -> Result<(), Failure> {
    talk.tell("SET SESSION sql_log_bin = 0").await?;
    Ok(talk.tell(&format!("BEGIN NOT ATOMIC {body}END")).await?)
}

/// Writes down who may acknowledge writes, and the account by which they receive: for all, by the
/// binary log. It waits for an acknowledgement itself, so that whoever gave it knows of this.
async fn enrol(
    client: &Client,
    talk: &mut Talk<'_>,
    (term, number): (u64, u64),
    ackers: &[u32],
) -> Result<(), Failure> {
    let ackers: Vec<String> = ackers.iter().map(ToString::to_string).collect();
    let ackers = ackers.join(",");
    for command in [
        "SET SESSION sql_log_bin = 1",
        "CREATE DATABASE IF NOT EXISTS meshworker",
        "CREATE TABLE IF NOT EXISTS meshworker.roll (id TINYINT UNSIGNED PRIMARY KEY, \
         term BIGINT UNSIGNED NOT NULL, number BIGINT UNSIGNED NOT NULL, \
         ackers TEXT NOT NULL) ENGINE=InnoDB",
        &format!("REPLACE INTO meshworker.roll VALUES (1, {term}, {number}, '{ackers}')"),
    ] {
        talk.tell(command).await?;
    }
    account(client, talk, true).await
}

/// Makes the account by which members receive: here alone before anything is written to the
/// binary log, since by another password than the one that they are told nobody could receive,
/// and what is written would wait for them; and by the log, since a change of it that comes
/// by there fails where there is none. One statement: there is never one without its password.
async fn account(client: &Client, talk: &mut Talk<'_>, logged: bool) -> Result<(), Failure> {
    let password = scrambled(&client.copiers_password()?);
    let logged = u8::from(logged);
    for command in [
        format!("SET SESSION sql_log_bin = {logged}"),
        format!(
            "GRANT REPLICATION SLAVE ON *.* TO '{COPIER}'@'%' IDENTIFIED BY PASSWORD '{password}'"
        ),
    ] {
        talk.tell(&command).await?;
    }
    Ok(())
}

/// Promises this term to whoever asks, or refuses: a higher one was promised, or this one to
/// somebody else.
fn promise(term: u64, holder: &str) -> Result<String, Failure> {
    let holder = plain(holder)?;
    let ours = format!("promised = {term} AND holder = '{holder}'");
    Ok(format!(
        "UPDATE meshworker.fence SET promised = {term}, holder = '{holder}' \
         WHERE promised < {term} OR ({ours}); \
         IF NOT EXISTS (SELECT 1 FROM meshworker.fence WHERE {ours}) THEN {} END IF; ",
        refuse("that term, or a higher one, was promised to somebody else")
    ))
}

/// Refuses where a higher term was promised.
fn within(term: u64) -> String {
    format!(
        "IF NOT EXISTS (SELECT 1 FROM meshworker.fence WHERE promised <= {term}) THEN {} END IF; ",
        refuse("a higher term was promised")
    )
}

/// Refuses where it was not opened in this term, or promised a higher one since.
fn opened(term: u64) -> String {
    format!(
        "IF NOT EXISTS (SELECT 1 FROM meshworker.fence WHERE promised <= {term} \
         AND role = '{PRIMARY}' AND term = {term}) THEN {} END IF; ",
        refuse("it is not the primary of that term")
    )
}

/// Notes what it is from now on, and in which term.
fn mark(role: &str, term: u64, cluster: &str) -> Result<String, Failure> {
    let cluster = plain(cluster)?;
    Ok(format!(
        "UPDATE meshworker.fence SET promised = GREATEST(promised, {term}), role = '{role}', \
         term = {term}, cluster = '{cluster}'; "
    ))
}

fn refuse(why: &str) -> String {
    format!("SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{why}';")
}

/// A word that needs no quotes.
fn plain(word: &str) -> Result<&str, Failure> {
    match word.chars().all(fence::is_plain) && word.len() <= 64 {
        true => Ok(word),
        false => Err(Failure::NotMade(format!("no plain word: {word}"))),
    }
}
