//! Whether a master takes no writes because its configuration asks for more than there is.

use meshworker_core::counted;
use redis::{Pipeline, Value};

use super::detail::field;
use super::wire::text;

const STOPS: &str = "stop-writes-on-bgsave-error";
const SAVES: &str = "save";
const COPIES: &str = "min-replicas-to-write";

/// Whether its configuration must be asked, by this `INFO`: its last snapshot failed, or
/// it counts the replicas that follow, as only one does that asks for some.
pub fn may_be(info: &str) -> bool {
    has_failed(info) || following(info).is_some()
}

/// Asks for what decides it (several names at once since Redis 7.0).
pub fn ask() -> Pipeline {
    let mut commands = redis::pipe();
    let get = commands.cmd("CONFIG").arg("GET");
    get.arg(STOPS).arg(SAVES).arg(COPIES);
    commands
}

/// Why it takes no writes: `writeCommandsDeniedByDiskError` and
/// `checkGoodReplicasStatus` in Redis' `src`. None where it takes them, and where its user
/// may not ask (`+config|get`).
pub fn why(info: &str, told: &Value) -> Option<String> {
    let Value::Array(pairs) = told else {
        return None;
    };
    let pairs = || {
        pairs
            .chunks(2)
            .filter_map(|pair| Some((text(pair.first()?)?, text(pair.get(1)?)?)))
    };
    let value = |name| pairs().find_map(|(known, value)| (known == name).then_some(value));
    if has_failed(info) && value(STOPS)? == "yes" && !value(SAVES)?.is_empty() {
        return Some(format!("its last snapshot failed, and {STOPS} is yes"));
    }
    let (have, need) = (following(info)?, value(COPIES)?.parse().ok()?);
    (have < need).then(|| {
        let have = counted(have, "replicas");
        format!("it has {have} in time, and {COPIES} asks for {need}")
    })
}

fn has_failed(info: &str) -> bool {
    field(info, "rdb_last_bgsave_status") == Some("err")
}

fn following(info: &str) -> Option<u64> {
    field(info, "min_slaves_good_slaves")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(stops: &str, saves: &str, copies: &str) -> Value {
        let words = [STOPS, stops, SAVES, saves, COPIES, copies];
        let words = words.map(|word| Value::BulkString(word.as_bytes().to_vec()));
        Value::Array(words.into())
    }

    #[test]
    fn a_master_whose_snapshot_failed_was_joined_and_well() {
        let failed = "rdb_last_bgsave_status:err\r\n";
        assert!(may_be(failed) && !may_be("rdb_last_bgsave_status:ok\r\n"));
        let told = |stops, saves| why(failed, &config(stops, saves, "0"));
        let said = "its last snapshot failed, and stop-writes-on-bgsave-error is yes";
        assert_eq!(told("yes", "3600 1").as_deref(), Some(said));
        assert_eq!(told("no", "3600 1"), None);
        // Nobody counts on a snapshot that was asked for by hand.
        assert_eq!(told("yes", ""), None);
        assert_eq!(why(failed, &Value::Okay), None, "it may not be asked");
    }

    #[test]
    fn a_master_with_fewer_replicas_than_it_asks_for_was_joined_and_well() {
        let one = "min_slaves_good_slaves:1\r\n";
        assert!(may_be(one));
        let told = |copies| why(one, &config("yes", "3600 1", copies));
        let said = "it has 1 replica in time, and min-replicas-to-write asks for 2";
        assert_eq!(told("2").as_deref(), Some(said));
        assert_eq!(told("1"), None);
    }
}
