//! Leaving: a supervisor, and time enough.

use std::time::Duration;

use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::stack::{Ground, duration};

/// What Swarm gives a container to stop when nothing is said.
const DEFAULT: Duration = Duration::from_secs(10);

/// Less than this is hardly enough to hand over any data.
const SHORT: Duration = Duration::from_secs(60);

pub const SUPERVISOR: Check<Ground> = Check {
    name: "supervisor",
    finds: "members that Swarm stops without asking whether their data is safe",
    run: |ground| {
        let clusters = ground.some_clusters()?;
        let bare = clusters.iter().filter(|cluster| !cluster.is_supervised());
        Ok(bare
            .map(|cluster| {
                let member = cluster.member;
                let place = member.words_place.as_ref().or(member.place.as_ref());
                Finding::new(Severity::Warning, member.subject(), "Its replicas run without the supervisor.")
                    .why("`docker service scale` and updates stop several replicas at once, whatever they hold: records whose copies they shared are lost.")
                    .instead("the entrypoint, the volume and the service 'install' of stack/redis.yml, with the image as it is; or scale with `meshworker scale`")
                    .at(place)
            })
            .collect())
    },
};

pub const CHECK: Check<Ground> = Check {
    name: "grace-period",
    finds: "a stop_grace_period that is missing, short, or shorter than leaving has taken",
    run: |ground| {
        ground.of_each_cluster(|cluster| {
            let member = cluster.member;
            let given = member.grace.as_ref();
            let grace = given.map_or(DEFAULT, |given| given.value);
            let supervised = cluster.is_supervised();
            let measured = ground.leave_time.filter(|took| grace < *took);
            let (severity, what) = match (measured, given) {
                (Some(took), _) => (
                    Severity::Error,
                    format!(
                        "It may take {} to stop, and leaving has taken {}.",
                        duration::words(grace),
                        duration::words(took)
                    ),
                ),
                (None, None) => (
                    if supervised {
                        Severity::Error
                    } else {
                        Severity::Warning
                    },
                    "It has no stop_grace_period, which means 10 s.".to_owned(),
                ),
                (None, Some(_)) if grace <= DEFAULT => (
                    if supervised {
                        Severity::Error
                    } else {
                        Severity::Warning
                    },
                    format!("It may take {} to stop.", duration::words(grace)),
                ),
                (None, Some(_)) if grace < SHORT && supervised => (
                    Severity::Warning,
                    format!("It may take {} to stop.", duration::words(grace)),
                ),
                _ => return None,
            };
            let why = match supervised {
                true => {
                    "Swarm kills what still runs after this time. A member that has not handed over its data by then takes it along."
                }
                false => {
                    "Swarm kills what still runs after this time: a database that writes its data out is cut off."
                }
            };
            Some(
                Finding::new(severity, member.subject(), what)
                    .why(why)
                    .instead("stop_grace_period: 10m")
                    .at(given.map_or(&member.place, |given| &given.place).as_ref()),
            )
        })
    },
};

pub const TOLD: Check<Ground> = Check {
    name: "grace-told",
    finds: "a supervisor that believes in more, or less, time than Swarm gives it",
    run: |ground| {
        let mut findings = Vec::new();
        for cluster in ground
            .some_clusters()?
            .iter()
            .filter(|cluster| cluster.is_supervised())
        {
            let member = cluster.member;
            let real = member.grace.as_ref().map_or(DEFAULT, |grace| grace.value);
            let said = crate::stack::parts::setting(member, "grace");
            let believed = match &said {
                Some(said) => match said
                    .value
                    .trim()
                    .parse()
                    .ok()
                    .map(Duration::try_from_secs_f64)
                {
                    Some(Ok(believed)) => believed,
                    // The supervisor refuses it in better words.
                    _ => continue,
                },
                None => DEFAULT,
            };
            if believed == real {
                continue;
            }
            let (severity, why) = match believed > real {
                true => (
                    Severity::Error,
                    "It waits for its release longer than Swarm waits for it, and is killed while it waits: the database is cut off.",
                ),
                false => (
                    Severity::Warning,
                    "It stops its database after the time that it was told, although there is more: perhaps before its data is safe.",
                ),
            };
            let what = format!(
                "MESHWORKER_GRACE {} {}, and stop_grace_period is {}.",
                if said.is_some() {
                    "is"
                } else {
                    "is not set, which means"
                },
                duration::words(believed),
                duration::words(real)
            );
            let place = said.as_ref().map_or(&member.place, |said| &said.place);
            findings.push(
                Finding::new(severity, member.subject(), what)
                    .why(why)
                    .instead(format!("MESHWORKER_GRACE: \"{}\"", real.as_secs()))
                    .at(place.as_ref()),
            );
        }
        Ok(findings)
    },
};

/// What the supervisor takes for an order to stop, by name and by number.
const STOPS: [&str; 8] = ["TERM", "15", "INT", "2", "QUIT", "3", "RTMIN+3", "37"];

/// Those of them that are keys where there is a terminal.
const KEYS: [&str; 4] = ["INT", "2", "QUIT", "3"];

pub const SIGNAL: Check<Ground> = Check {
    name: "stop-signal",
    finds: "a stop_signal that reaches the database before the supervisor has asked anybody",
    run: |ground| {
        ground.of_each_cluster(|cluster| {
            let member = cluster.member;
            let signal = member.stop_signal.as_ref()?;
            let name = signal.value.trim().to_uppercase();
            let name = name.strip_prefix("SIG").unwrap_or(&name);
            let a_key = member.tty && KEYS.contains(&name);
            if !cluster.is_supervised() || (STOPS.contains(&name) && !a_key) {
                return None;
            }
            let why = match (name, a_key) {
                ("KILL" | "9", _) => {
                    "Nothing can hold that back: the supervisor and its database are gone at once, and nobody is asked whether their data is safe."
                }
                ("STOP" | "19", _) => {
                    "Nothing can hold that back, and it ends nothing: the database stands still until Swarm kills it."
                }
                (_, true) => {
                    "With a terminal (tty: true) that is a key somebody pressed, and passed on to the database: nobody is asked whether its data is safe."
                }
                _ => {
                    "The supervisor passes that on to the database, which does with it what it likes: nobody is asked whether its data is safe."
                }
            };
            Some(
                Finding::new(
                    Severity::Error,
                    member.subject(),
                    format!("It is stopped with {}.", signal.value),
                )
                .why(why)
                .instead("stop_signal: SIGTERM")
                .at(signal.place.as_ref()),
            )
        })
    },
};
