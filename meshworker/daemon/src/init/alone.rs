//! The supervisor's own look at the whole cluster, when no worker answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker_core::{Answer, Going, Place, Presence, Roster, Standing, Witness};
use meshworker_engines::Engine;
use meshworker_engines::registry::Visitor;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::course::Event;
use super::names::Known;
use super::peers::{Mine, Peers};
use crate::config::Cluster;
use crate::witness;
use crate::worker::Worker;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks each second, decides by the same gates as a worker, and does nothing,
/// until nobody listens any more; meanwhile it hears the other members that leave.
/// May be cancelled.
pub(super) fn look(
    cluster: Cluster,
    own: Mine,
    known: watch::Receiver<Known>,
    events: mpsc::Sender<Event>,
) -> BoxFuture<'static, ()> {
    struct Visit(Cluster, Mine, watch::Receiver<Known>, mpsc::Sender<Event>);
    impl Visitor for Visit {
        type Output = BoxFuture<'static, ()>;

        fn visit<E: Engine>(self, engine: E) -> Self::Output {
            let Visit(cluster, own, known, events) = self;
            let sources = witness::sources(&cluster);
            let worker = Worker::new(cluster, engine, sources);
            looking(worker, own, known, events).boxed()
        }
    }
    let (engine, access) = (cluster.engine, cluster.access.clone());
    engine.with(access, Visit(cluster, own, known, events))
}

async fn looking<E: Engine>(
    worker: Worker<E>,
    own: Mine,
    known: watch::Receiver<Known>,
    events: mpsc::Sender<Event>,
) {
    let address = own.said.place();
    let peers = Peers::open(own).await;
    let mut worker = worker.at_desk(Arc::clone(peers.desk()));
    loop {
        peers.say_own();
        let pass = worker.look().await;
        let mut others = pass.observed.alive();
        others.extend(pass.observed.answers.keys());
        others.remove(&address);
        peers.know(others.iter().map(|place| place.address).collect());
        let mut leavers = pass.plan.leavers.iter();
        let own = leavers.find(|leaver| leaver.address == address);
        let first = first_in_turn(&pass.roster, address, &known.borrow());
        let everybody = own.is_some_and(|own| own.going == Going::Everybody)
            && all_say_so(&pass.observed.answers, &pass.roster, address);
        let (granted, why) = match own {
            Some(own) if own.release.is_granted() && first.is_some() => {
                let first = first.map(|first| first.to_string()).unwrap_or_default();
                (false, format!("{first} may be leaving too, and goes first"))
            }
            Some(own) => (
                own.release.is_granted(),
                format!("{}; {}", own.release, own.going),
            ),
            None => {
                let own = pass.observed.answers.get(&address);
                let why = match own {
                    Some(Err(why)) => why.to_string(),
                    _ => pass.plan.unity.to_string(),
                };
                (false, why)
            }
        };
        let alone = Event::Alone {
            granted,
            everybody,
            why,
        };
        if events.send(alone).await.is_err() {
            return;
        }
        sleep(PAUSE).await;
    }
}

/// Whether whoever the own database knows, well or not, says itself that it goes. One
/// that is cut off from everybody sees nobody who stays either.
fn all_say_so<D>(answers: &BTreeMap<Place, Answer<D>>, roster: &Roster, own: Place) -> bool {
    let Some(Ok(view)) = answers.get(&own) else {
        return false;
    };
    view.peers.iter().all(|peer| {
        let Some(address) = peer.address else {
            return false;
        };
        let member = roster.at(address);
        let said = member.and_then(|member| member.seen.get(&Witness::Announce));
        let goes = [Presence::Leaving, Presence::Stopping, Presence::Ended];
        address == own || said.is_some_and(|said| goes.contains(said))
    })
}

/// Who goes before this member, when each decides for itself.
///
/// Swarm takes the names of all members that it stops before it signals them,
/// and one whose supervisor is not heard may leave all the same. So a member that
/// the database holds to be alive and that nobody names is taken for one that
/// leaves too, and the lowest address goes first. Whom DNS never named while there was
/// somebody to name is a stranger that they met, and takes no turn.
fn first_in_turn(roster: &Roster, own: Place, known: &Known) -> Option<Place> {
    let mut others = roster.members().iter();
    let other = others.find(|other| {
        other.standing() == Standing::Unlisted
            && other.address < own
            && known.may_be(other.address.address)
    });
    other.map(|other| other.address)
}

#[cfg(test)]
mod tests {
    use meshworker_core::{MemberId, Peer, Report, Sighting, View};
    use tokio::time::Instant;

    use super::*;

    impl<const N: usize> From<[Place; N]> for Known {
        fn from(listed: [Place; N]) -> Known {
            let mut known = Known::default();
            known.note(&listed.map(|at| at.address), Instant::now());
            known
        }
    }

    fn at(last: u8) -> Place {
        Place::from([10, 0, 1, last])
    }

    fn sees(others: &[u8]) -> BTreeMap<Place, Answer<()>> {
        let peers = others.iter().map(|last| Peer {
            node: format!("n{last}"),
            address: Some(at(*last)),
            alive: false,
        });
        let view = View {
            node: "n1".into(),
            cluster_name: None,
            role: None,
            size: 1,
            peers: peers.collect(),
            working: None,
            holdings: Default::default(),
            detail: (),
        };
        [(at(1), Ok(view))].into()
    }

    #[test]
    fn one_that_was_cut_off_took_itself_for_everybody() {
        let says = |last: u8, presence| Sighting {
            member: Some(MemberId::Address(at(last))),
            presence,
            ..Sighting::at(at(last))
        };
        let announced = |says: Vec<Sighting>| Report {
            sightings: says,
            ..Report::addresses(Witness::Announce, [])
        };
        let roster = |says| Roster::merge(&[announced(says)], &[at(1)].into());
        let alone = roster(vec![says(1, Presence::Leaving)]);
        assert!(
            !all_say_so(&sees(&[1, 2]), &alone, at(1)),
            "held to be failing"
        );
        assert!(all_say_so(&sees(&[1]), &alone, at(1)), "the only one");
        assert!(
            !all_say_so::<()>(&BTreeMap::new(), &alone, at(1)),
            "no view"
        );
        let both = roster(vec![
            says(1, Presence::Leaving),
            says(2, Presence::Stopping),
        ]);
        assert!(all_say_so(&sees(&[1, 2]), &both, at(1)));
        let stays = roster(vec![says(1, Presence::Leaving), says(2, Presence::Present)]);
        assert!(!all_say_so(&sees(&[1, 2]), &stays, at(1)));
    }

    fn roster() -> Roster {
        let listed = Report::addresses(Witness::Dns, [at(1)]);
        Roster::merge(&[listed], &[1, 2, 3].map(at).into_iter().collect())
    }

    #[test]
    fn of_those_that_no_list_names_the_lowest_goes_first() {
        for mut known in [Known::default(), [1, 2, 3, 4].map(at).into()] {
            assert_eq!(first_in_turn(&roster(), at(2), &known), None);
            assert_eq!(first_in_turn(&roster(), at(3), &known), Some(at(2)));
            // That Swarm has taken their names by now changes nothing.
            known.note(&[], Instant::now());
            assert_eq!(first_in_turn(&roster(), at(3), &known), Some(at(2)));
        }
    }

    #[test]
    fn a_stranger_with_a_lower_address_held_up_a_member_that_decides_alone() {
        let known = [1, 3, 4].map(at).into();
        assert_eq!(first_in_turn(&roster(), at(3), &known), None);
        assert_eq!(first_in_turn(&roster(), at(4), &known), Some(at(3)));
    }
}
