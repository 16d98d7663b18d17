//! What clients see of orders while who acts changes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use meshworker_group::Order;
use tokio::time::{sleep, timeout};

use super::world::{DEADLINE, Heard, World, hold};
use crate::group::Group;
use crate::group::linear::{Request, What, is_linear};
use crate::status::GroupMember;

/// What the five clients share.
#[derive(Default)]
struct Office {
    workers: Mutex<Vec<(Group, Arc<Heard>)>>,
    clock: AtomicU64,
    seen: Mutex<BTreeMap<String, Vec<Request>>>,
    closed: AtomicBool,
}

impl Office {
    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn note(&self, member: &str, request: Request) {
        let mut seen = self.seen.lock().unwrap();
        seen.entry(member.to_owned()).or_default().push(request);
    }

    /// How many requests were answered.
    fn requests(&self) -> usize {
        self.seen.lock().unwrap().values().map(Vec::len).sum()
    }

    fn open(&self, world: &World) {
        let all = world.workers.values();
        let all = all.map(|one| (one.group.clone(), Arc::clone(&one.heard)));
        *self.workers.lock().unwrap() = all.collect();
    }

    /// Sets and reads, each at a worker of its own choice; reads at the one that acts, as
    /// commands do.
    async fn client(self: Arc<Office>, number: u64) {
        for round in 0_u64.. {
            if self.closed.load(Ordering::Relaxed) {
                return;
            }
            let workers = self.workers.lock().unwrap().clone();
            let pick = usize::try_from(round + number).unwrap();
            let member = format!("db.{}", (round + number) % 3);
            let made = self.tick();
            if round.is_multiple_of(3) {
                let why = format!("{number}-{round}");
                let mut order = hold(&why);
                order.order = Order::Hold {
                    member: Some(member.clone()),
                    why: why.clone(),
                    until_ms: None,
                };
                let (group, _) = &workers[pick / 3 % workers.len()];
                let answered = group.order(order).await.ok().map(|_| self.tick());
                let what = What::Set(why);
                self.note(
                    &member,
                    Request {
                        made,
                        answered,
                        what,
                    },
                );
            } else if let Some((group, heard)) = workers.iter().find(|(group, _)| group.acts()) {
                let held = heard.given.lock().unwrap().get("db").cloned();
                let held = held.and_then(|given| given.held.get(&member).cloned());
                // Whoever acted when it was read and acts still acted all the time.
                if group.acts() {
                    let answered = Some(self.tick());
                    let what = What::Read(held.map(|held| held.why));
                    self.note(
                        &member,
                        Request {
                            made,
                            answered,
                            what,
                        },
                    );
                }
            }
            sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Five clients set and read holds while who acts changes: each hold is a register.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_clients_see_of_orders_could_have_happened_in_one_order() {
    let mut world = World::of_three_that_keep().await;
    let office = Arc::<Office>::default();
    office.open(&world);
    let clients: Vec<_> = (0..5)
        .map(|number| tokio::spawn(Arc::clone(&office).client(number)))
        .collect();
    for kills in [false, true, false, true, true] {
        let before = office.requests();
        world
            .until("they see something", |world| {
                office.requests() > before + 100 && world.acting().len() == 1
            })
            .await;
        let leader = world.acting()[0];
        if kills {
            world.kill(leader).await;
        } else {
            // It may have lost the lead this moment.
            let _ = world.workers[&leader].group.hand_over(None).await;
        }
        office.open(&world);
        world
            .until(
                // Whoever could not hand over may be elected again.
                "one acts",
                |world| world.acting().len() == 1,
            )
            .await;
        if kills {
            let own = world.folder(leader);
            world.start(leader, Some(&own)).await;
            world.list(&[]);
            office.open(&world);
            world
                .until("all are in step", |world| {
                    let acting = world.acting();
                    let members = acting.first().map(|one| &world.workers[one].group);
                    let members = members.map(|group| group.status().members.clone());
                    let behind = |one: &GroupMember| one.behind.is_some_and(|n| n < 50);
                    members.is_some_and(|all| all.len() == 3 && all.iter().all(behind))
                })
                .await;
        }
    }
    office.closed.store(true, Ordering::Relaxed);
    for client in clients {
        timeout(DEADLINE, client).await.unwrap().unwrap();
    }
    let seen = office.seen.lock().unwrap();
    let unknown = |all: &Vec<Request>| all.iter().filter(|one| one.answered.is_none()).count();
    for (member, requests) in seen.iter() {
        eprintln!(
            "{member}: {} requests, {} unknown",
            requests.len(),
            unknown(requests)
        );
        assert!(is_linear(requests), "{member}: {requests:?}");
    }
}
