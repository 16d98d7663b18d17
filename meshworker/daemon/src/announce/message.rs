//! What a supervisor and a worker say to each other, as JSON.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use meshworker_core::{Disk, NodeName, Tell, Told};
use serde::{Deserialize, Deserializer, Serialize};

use super::Sibling;

/// What a member's supervisor says of it. Fields that are not known here are let
/// pass: one side may be newer than the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// The name of the cluster that it belongs to, as the worker knows it.
    pub cluster: String,
    /// The Swarm service, `{{.Service.Name}}`.
    pub service: String,
    /// The replica's number: `{{.Task.Slot}}`, or the pod's.
    pub slot: u64,
    /// The Swarm task, `{{.Task.ID}}`.
    pub task: String,
    /// The Swarm node, `{{.Node.ID}}`.
    pub node: String,
    /// That node's name, `{{.Node.Hostname}}`, for people; none of members that are not
    /// told, and of older ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<NodeName>,
    /// Where the database is reached, on the network shared with the worker.
    pub address: IpAddr,
    /// Its port there, where several members are at one address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Where in its life it is.
    pub phase: Phase,
    /// Counted up by the supervisor each time the phase changes. A verdict
    /// carries the number of the announcement that it answers, so that one for
    /// an earlier phase is not taken for one for this phase: the fence.
    pub generation: u64,
    /// What it has on its disk, while it waits to be told how its database is started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Disk>,
    /// The number of the slot under whose name the others look for its database, where its
    /// data came from another slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_as: Option<u64>,
    /// The highest fence that it has heard from workers: whoever acts is to do so under a
    /// higher one. None while no worker had one, and of older members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
}

/// What an operator orders, as one worker tells all: this member is to leave. It is
/// forgotten a few seconds later unless it is told again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The name of the cluster, as the workers know it.
    pub cluster: String,
    /// The member's Swarm service.
    pub service: String,
    /// The replica's number.
    pub slot: u64,
    /// Where the member is.
    pub address: IpAddr,
    /// Whether it goes on running: it is to be free of data, and no more.
    #[serde(default)]
    pub drain: bool,
}

/// Where in its life a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The database is not started yet: whoever had this slot before may still
    /// run, and one slot is one member.
    Waiting,
    /// The database starts or runs, and is meant to.
    Present,
    /// It runs, is meant to stop, and waits to be let go.
    Leaving,
    /// It is being stopped, whatever anybody says.
    Stopping,
    /// It was let go, and the process of its database has ended.
    Ended,
}

impl Phase {
    /// Whether whoever is in it waits for a worker's word.
    pub fn asks(self) -> bool {
        matches!(self, Phase::Waiting | Phase::Leaving)
    }
}

/// What a worker answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The announcement's generation.
    pub generation: u64,
    /// Whether this member answers, and with all members that do is one cluster
    /// at rest, with all data in its place. To one that waits to start: whether
    /// the others are that without it.
    pub in_place: bool,
    /// What the cluster is, for people: "one cluster of 3 members".
    #[serde(deserialize_with = "told")]
    pub cluster: String,
    /// Whether a member that is leaving may stop, or one that waits may start.
    /// None in other phases, while no pass has looked since it began to leave,
    /// and while the worker is too young to know who else announces itself.
    pub verdict: Option<Verdict>,
    /// What one that waits for it is to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tell: Option<FencedTell>,
    /// Where the members of its service are, itself included; none where they need not know,
    /// and while the worker does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub siblings: Vec<Sibling>,
    /// The number under which this worker acts for its group: a lower one than was heard is
    /// that of a worker that acts no more. None of one worker alone, of one that does not
    /// act, and of an older one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
    /// What tells this answer from others, for whoever wants to hear only of another
    /// one; none where such a wish is not met now, and of a worker that does not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<u64>,
}

impl Answer {
    /// What tells it from others. A reason that only counts down is no other one.
    pub(super) fn own_mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.generation, self.in_place, self.fence).hash(&mut hasher);
        (&self.tell, &self.siblings).hash(&mut hasher);
        if let Some(verdict) = &self.verdict {
            (verdict.granted, verdict.fence).hash(&mut hasher);
            let words = verdict.why.chars().filter(|c| !c.is_ascii_digit());
            words.for_each(|c| c.hash(&mut hasher));
        }
        hasher.finish()
    }
}

/// What a member that waits is to do, and under which number that was
/// decided: a lower one than it has seen before is a worker's that acts no more.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FencedTell {
    /// The number.
    pub fence: u64,
    /// What.
    #[serde(flatten)]
    pub tell: Tell,
}

/// Whether a member that is leaving may stop, or one that waits may start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether it may.
    pub granted: bool,
    /// The number under which the workers agreed that it may; none where they need not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
    /// Why, or why not, for people: the gate that is closed and what was seen.
    #[serde(deserialize_with = "told")]
    pub why: String,
    /// What kind of leaving the worker takes it for, for people.
    #[serde(deserialize_with = "told")]
    pub going: String,
    /// Its place in the leave queue, counted from 1.
    pub place: usize,
    /// What is left to do, for people: "5461 slots left".
    #[serde(default, deserialize_with = "told_if_any")]
    pub progress: Option<String>,
}

/// In bytes. What we say ourselves is shorter.
const LONGEST: usize = 1_000;

/// A worker's words, fit to be logged and shown.
fn told<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Told::<LONGEST>::deserialize(from).map(Told::into_string)
}

fn told_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let told = Option::<Told<LONGEST>>::deserialize(from)?;
    Ok(told.map(Told::into_string))
}

#[cfg(test)]
mod tests {
    use meshworker_core::{NASTY, Promise, is_harmful};

    use super::*;

    #[test]
    fn an_older_member_has_no_name_of_its_node_and_a_newer_one_says_what_is_not_known_here() {
        let older = r#"{"cluster": "db", "service": "db", "slot": 1, "task": "t", "node": "n",
            "address": "10.0.0.1", "phase": "present", "generation": 1, "of tomorrow": 7}"#;
        let said: Announcement = serde_json::from_str(older).unwrap();
        assert_eq!((&said.node_name, said.fence), (&None, None));
        let sent = serde_json::to_string(&said).unwrap();
        assert!(
            !sent.contains("node_name") && !sent.contains("fence"),
            "{sent}"
        );
        let named = Announcement {
            node_name: Some("rack-7".into()),
            fence: Some(7),
            ..said
        };
        let sent = serde_json::to_string(&named).unwrap();
        assert_eq!(serde_json::from_str::<Announcement>(&sent).unwrap(), named);
    }

    #[test]
    fn an_answer_began_a_line_of_its_own_in_the_log() {
        for nasty in NASTY {
            let answer = Answer {
                generation: 1,
                in_place: false,
                cluster: nasty.to_owned(),
                verdict: Some(Verdict {
                    granted: true,
                    fence: None,
                    why: nasty.to_owned(),
                    going: nasty.to_owned(),
                    place: 1,
                    progress: Some(nasty.to_owned()),
                }),
                tell: None,
                siblings: Vec::new(),
                fence: None,
                mark: None,
            };
            let sent = serde_json::to_string(&answer).unwrap();
            let heard: Answer = serde_json::from_str(&sent).unwrap();
            let said = format!("{heard:?}").replace("\\u{fffd}", "");
            assert!(
                !said.chars().any(is_harmful) && !said.contains("\\u"),
                "{said}"
            );
        }
    }

    #[test]
    fn what_is_told_travels_as_one_word_and_another_ones_words_are_made_plain() {
        let promise = Tell::Promise(Promise {
            number: 3,
            to: "db 7f".into(),
        });
        let sent = serde_json::to_string(&promise).unwrap();
        assert_eq!(sent, r#"{"promise":{"number":3,"to":"db 7f"}}"#);
        let told = |text: &str| serde_json::from_str::<FencedTell>(text).unwrap();
        let start = told(r#"{"fence":7,"start":{"arguments":["--x"]}}"#);
        assert_eq!(start.fence, 7);
        assert!(matches!(start.tell, Tell::Start(start) if start.arguments == ["--x"]));
        let aside = told(r#"{"fence":0,"aside":{"why":"a\nb"}}"#);
        let plain = "a\u{fffd}b".into();
        assert_eq!(aside.tell, Tell::Aside { why: plain });
    }
}
