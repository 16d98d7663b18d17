//! What a pass found, as far as members ask for it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use meshworker_core::{
    Authority, Closed, Fence, Gate, Leaver, MemberId, Nominee, Observation, Place, Plan, Report,
    Roster, Situation, Unanswered, Unity,
};
use tokio::time::Instant;

use super::{Announcement, FencedTell, Order, Sibling, Verdict};

/// For this long a finding holds beyond the worker's pause. While somebody leaves
/// that is all: longer than the second that a worker may pause then, so that there
/// is always a fresh one.
const FRESH: Duration = Duration::from_secs(3);

/// A large cluster is looked at for as long as the worker pauses: so many times
/// that long is a finding younger than the next one.
const PASSES: u32 = 3;

/// What a pass found, as far as members ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// When the pass began to look.
    began: Instant,
    /// The number under which it decided; none while another worker acts.
    fence: Option<Fence>,
    /// How long it looked and decided.
    took: Duration,
    /// The longest pause before the next pass looks.
    pause: Duration,
    /// What the cluster is, for people, without what was found at anybody's address.
    unity: String,
    /// The members that are in the cluster with everybody else, all data in place.
    in_place: BTreeSet<Place>,
    /// The addresses that DNS or Docker lists.
    vouched: BTreeSet<IpAddr>,
    /// The addresses at which a database of ours answered.
    answering: BTreeSet<Place>,
    /// The tasks that Docker lists, where it lists all, and their addresses.
    tasks: Option<BTreeSet<(String, IpAddr)>>,
    /// Who is on its way out, and who may stop.
    leavers: Vec<Leaver>,
    /// Who waits and may be started.
    nominees: Vec<Nominee>,
    /// Of whom all workers know that he may go, or what he is told: under which number.
    permits: BTreeMap<(Place, MemberId), Result<Fence, String>>,
    /// Where the members of each service are, where members are told.
    siblings: BTreeMap<String, Vec<Sibling>>,
}

impl Findings {
    /// What this pass found. It began to look at `began`, and took so long until
    /// it had decided.
    pub fn of<D, R>(
        began: Instant,
        took: Duration,
        observed: &Observation<D>,
        roster: &Roster,
        plan: &Plan<R>,
    ) -> Findings {
        let situation = Situation::of(roster, &observed.answers);
        let members = situation.wanted_views();
        let members = members.filter(|(m, _)| plan.settled && !plan.outsiders.contains(&m.address));
        let answering = observed.answers.iter();
        let answering = answering.filter(|(address, answer)| {
            // One that hangs, or is busy for a look, is there all the same.
            let is_ours = matches!(
                answer,
                Ok(_) | Err(Unanswered::Starting(_) | Unanswered::Timeout)
            );
            is_ours && !plan.outsiders.contains(*address)
        });
        let answering = answering.map(|(address, _)| *address);
        Findings {
            began,
            fence: plan.fence,
            took,
            pause: Duration::ZERO,
            unity: unity(&plan.unity, &situation),
            in_place: members.map(|(member, _)| member.address).collect(),
            vouched: vouched(&observed.reports),
            answering: answering.collect(),
            tasks: tasks(&observed.reports),
            leavers: plan.leavers.clone(),
            nominees: plan.nominees.clone(),
            permits: BTreeMap::new(),
            siblings: BTreeMap::new(),
        }
    }

    /// The same, once all workers know of these.
    pub fn permitted(
        self,
        permits: BTreeMap<(Place, MemberId), Result<Fence, String>>,
    ) -> Findings {
        Findings { permits, ..self }
    }

    /// The same, and members are told where their siblings are.
    pub fn telling(self, siblings: BTreeMap<String, Vec<Sibling>>) -> Findings {
        Findings { siblings, ..self }
    }

    /// The same, of a worker that may pause so long before it looks again.
    pub fn until_next(self, pause: Duration) -> Findings {
        Findings { pause, ..self }
    }

    /// What the cluster is, for people.
    pub fn unity(&self) -> &str {
        &self.unity
    }

    /// How old they are, when they are too old to be told to anybody.
    pub fn stale(&self, now: Instant) -> Option<Duration> {
        let age = now.saturating_duration_since(self.began);
        let holds = self.pause + FRESH.max(self.took.saturating_mul(PASSES));
        (age >= holds).then_some(age)
    }

    /// Whether the pass looked only after this moment, so that it saw what was
    /// announced then.
    pub fn looked_after(&self, moment: Instant) -> bool {
        self.began > moment
    }

    /// Whether the members that answer are one cluster at rest, with all data in
    /// its place.
    pub fn settled(&self) -> bool {
        !self.in_place.is_empty()
    }

    /// Whether DNS or Docker lists this address.
    pub fn vouched(&self, address: IpAddr) -> bool {
        self.vouched.contains(&address)
    }

    /// Whether a database of ours answers at this address.
    pub fn answers(&self, address: Place) -> bool {
        self.answering.contains(&address)
    }

    /// Whether Docker lists this task at this address; none where it does not list
    /// all tasks.
    pub fn is_in_the_task_list(&self, said: &Announcement) -> Option<bool> {
        let tasks = self.tasks.as_ref()?;
        Some(tasks.contains(&(said.task.clone(), said.address)))
    }

    /// Whether the member at this address is in its place.
    pub fn in_place(&self, address: Place) -> bool {
        self.in_place.contains(&address)
    }

    /// Whether this worker may still say what it found: it alone acts.
    pub fn hold_under(&self, authority: &Authority) -> bool {
        authority.admits(self.fence).is_ok()
    }

    /// Where the members of this service are, itself included.
    pub fn siblings(&self, service: &str) -> Vec<Sibling> {
        self.siblings.get(service).cloned().unwrap_or_default()
    }

    /// What this member, which waits for it, is to do.
    pub fn tell(&self, asks: &Announcement) -> Option<FencedTell> {
        let id = asks.member();
        let mut open = self.nominees.iter().filter(|one| one.closed.is_none());
        let own = open.find(|one| one.address == asks.place() && one.member == id)?;
        let permit = self.permits.get(&(own.address, own.member.clone()))?;
        let permit = permit.as_ref().ok()?;
        Some(FencedTell {
            fence: permit.0,
            tell: own.tell.clone(),
        })
    }

    /// Whether this member, which wants to leave, may stop. None when the pass
    /// did not see it leaving, and gave no verdict.
    pub fn verdict(&self, member: MemberId, address: Place) -> Option<Verdict> {
        // One whose slot another task has is known by its address alone.
        let known = [member, MemberId::Address(address)];
        let is_it = |leaver: &&Leaver| leaver.address == address && known.contains(&leaver.member);
        let leaver = self.leavers.iter().find(is_it)?;
        let permit = self.permits.get(&(leaver.address, leaver.member.clone()));
        let fence = permit.and_then(|permit| permit.as_ref().ok());
        Some(Verdict {
            granted: leaver.release.is_granted() && fence.is_some(),
            fence: fence.map(|fence| fence.0).filter(|fence| *fence > 0),
            why: match (leaver.release.closed(), permit) {
                (Some(closed), _) => why(&closed),
                (None, Some(Ok(_))) => "every release gate is open".to_owned(),
                (None, Some(Err(why))) => format!("the workers do not agree on it: {why}"),
                (None, None) => "the workers do not all know yet that it may".to_owned(),
            },
            going: leaver.going.to_string(),
            place: leaver.place,
            progress: leaver.left(),
        })
    }
}

/// Where operators read what members are not told.
const ELSEWHERE: &str = "`meshworker status` says why";

/// What the cluster is. Who announces an address and reads here why it does not
/// answer has a scanner of networks that only the worker reaches, so members are told
/// how many answer, and not what each of the others said.
fn unity<D>(unity: &Unity, situation: &Situation<'_, D>) -> String {
    if unity.is_one() {
        return unity.to_string();
    }
    let wanted = situation.wanted().count();
    let answer = situation.wanted_views().count();
    format!("not one cluster: {answer} of {wanted} members answer; {ELSEWHERE}")
}

/// Why a member is held: with what was seen where that is its own affair.
fn why(closed: &Closed) -> String {
    match closed.gate {
        Gate::MembersAnswer | Gate::MembersAgree | Gate::AtRest => {
            format!("{} is closed; {ELSEWHERE}", closed.gate())
        }
        _ => closed.to_string(),
    }
}

fn vouched(reports: &[Report]) -> BTreeSet<IpAddr> {
    let ours = |report: &&Report| report.lists_everybody();
    let sightings = reports
        .iter()
        .filter(ours)
        .flat_map(|report| &report.sightings);
    sightings.map(|sighting| sighting.address.address).collect()
}

fn tasks(reports: &[Report]) -> Option<BTreeSet<(String, IpAddr)>> {
    let mut reports = reports.iter();
    let list = reports.find(|report| report.is_task_list())?;
    if !list.grade.is_complete() {
        return None;
    }
    let sightings = list.sightings.iter();
    let tasks = sightings.filter_map(|seen| Some((seen.task.clone()?, seen.address.address)));
    Some(tasks.collect())
}

#[cfg(test)]
impl Findings {
    /// Those of a pass over one member that is in its place.
    pub(crate) fn settled_at(began: Instant, address: Place) -> Findings {
        Findings {
            began,
            fence: Authority::alone().fence(),
            took: Duration::ZERO,
            pause: Duration::ZERO,
            unity: "one cluster of 1 member".to_owned(),
            in_place: [address].into(),
            vouched: BTreeSet::new(),
            answering: BTreeSet::new(),
            tasks: None,
            leavers: Vec::new(),
            nominees: Vec::new(),
            permits: BTreeMap::new(),
            siblings: BTreeMap::new(),
        }
    }

    /// The same, of a pass in which these witnesses reported.
    pub(super) fn listing(self, reports: &[Report]) -> Findings {
        Findings {
            vouched: vouched(reports),
            tasks: tasks(reports),
            ..self
        }
    }

    /// The same, of a pass that took longer.
    pub(super) fn after(self, took: Duration) -> Findings {
        Findings { took, ..self }
    }
}

impl Announcement {
    /// Where it is.
    pub fn place(&self) -> Place {
        Place {
            address: self.address,
            port: self.port,
        }
    }

    /// The member that announces itself.
    pub fn member(&self) -> MemberId {
        MemberId::Slot {
            service: self.service.clone(),
            slot: self.slot,
        }
    }
}

impl Order {
    /// Where it is.
    pub fn place(&self) -> Place {
        self.address.into()
    }

    /// The member that is to leave.
    pub fn member(&self) -> MemberId {
        MemberId::Slot {
            service: self.service.clone(),
            slot: self.slot,
        }
    }
}
