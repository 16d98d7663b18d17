//! Members that somebody with the token has made up.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use meshworker::witness::Source;
use meshworker::worker::Worker;
use meshworker_core::{Place, Report, Witness};

use crate::support::World;
use crate::toy::Toy;

/// A witness that lists what the test says.
struct Lists(Witness, Mutex<BTreeSet<Place>>);

impl Source for Lists {
    fn witness(&self) -> Witness {
        self.0
    }

    fn report(&self) -> BoxFuture<'_, Report> {
        let listed = self.1.lock().unwrap().clone();
        std::future::ready(Report::addresses(self.0, listed)).boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn four_thousand_made_up_members_at_silent_addresses_took_twenty_seconds_of_each_pass() {
    let members: BTreeSet<Place> = (1..=3).map(|n| [10, 0, 0, n].into()).collect();
    let address = |n: u32| Place::from((0x0a01_0000 + n).to_be_bytes());
    let made_up: BTreeSet<Place> = (0..4096).map(address).collect();
    let cluster = World::new().await.cluster(&[]);
    let toy = Toy::default();
    toy.state().nodes = members.clone();
    toy.state().silent = made_up.clone();
    let dns = Arc::new(Lists(Witness::Dns, Mutex::new(members.clone())));
    let announce = Arc::new(Lists(Witness::Announce, Mutex::new(made_up)));
    let sources: Vec<Arc<dyn Source>> = vec![dns, announce.clone()];
    let mut worker = Worker::new(cluster, toy.clone(), sources);
    // One more comes that is real, and whom no list names yet.
    let newcomer = address(9000);
    for pass in 1..=20 {
        if pass == 10 {
            announce.1.lock().unwrap().insert(newcomer);
            toy.state().nodes.insert(newcomer);
        }
        let pass = worker.pass().await;
        assert!(pass.took < Duration::from_secs(2), "{:?}", pass.took);
        let mut heard = members.clone();
        heard.extend((pass.number >= 10).then_some(newcomer));
        for member in heard {
            assert!(pass.observed.answers[&member].is_ok(), "{member}");
        }
    }
}
