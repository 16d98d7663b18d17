//! A StatefulSet's members, whose pods a worker reads beside a name server that answers as
//! CoreDNS does: a name without anybody does not exist, and pods that go, or are lost, stay
//! listed until they are gone.

use std::sync::Arc;
use std::time::Duration;

use fake_dns::Behaviour;
use fake_kubernetes::FakeApi;
use meshworker::kubernetes::{Account, KubernetesClient};
use meshworker::witness::{KubernetesOptions, KubernetesSource, Source};

use crate::support::{Shift, World};

/// The members, the API, and a worker that reads both.
struct Scene {
    world: World,
    api: FakeApi,
}

impl Scene {
    /// A StatefulSet of three, whose pods run on nodes of their own and are one cluster.
    async fn of_three() -> (Scene, Shift) {
        let scene = Scene {
            world: World::new().await,
            api: FakeApi::start().await,
        };
        scene.api.world.statefulset("db", 3);
        let mut scene = scene;
        for ordinal in 0..3 {
            scene.begin(ordinal).await;
        }
        scene.published(0..3);
        let worker = scene.worker();
        scene.world.one_cluster(0..3).await;
        (scene, worker)
    }

    fn worker(&self) -> Shift {
        let client = KubernetesClient::new(Account {
            base: self.api.base(),
            folder: self.api.folder().to_owned(),
        });
        let options = KubernetesOptions {
            watch_interval: Duration::from_millis(50),
            deadline: Duration::from_secs(1),
            ..KubernetesOptions::of("db")
        };
        let pods: Arc<dyn Source> = Arc::new(KubernetesSource::new(Arc::new(client), options));
        Shift::start_beside(self.world.cluster(&[]), vec![pods])
    }

    /// The pod of this number runs.
    async fn begin(&mut self, ordinal: u16) {
        self.world.start([ordinal]).await;
        let (name, node) = (format!("db-{ordinal}"), format!("n{ordinal}"));
        let address = self.world.address(ordinal).to_string();
        self.api.world.pod(&name, &address, &node);
    }

    /// Whom the service publishes, ready or not.
    fn published(&self, ordinals: impl IntoIterator<Item = u16>) {
        let listed = self.world.addresses(ordinals);
        let says = match listed.is_empty() {
            true => Behaviour::NxDomain,
            false => Behaviour::Answer(listed),
        };
        self.world.dns.set("db", says);
    }
}

#[tokio::test]
async fn a_statefulset_grows_and_shrinks_from_member_0_on() {
    let (mut scene, worker) = Scene::of_three().await;
    scene.api.world.statefulset("db", 4);
    scene.begin(3).await;
    scene.published(0..4);
    scene.world.one_cluster(0..4).await;
    // One is taken away: as long as it is there nobody forgets it.
    scene.api.world.statefulset("db", 3);
    scene.api.world.delete("db-3");
    worker.watch(10).await;
    assert_eq!(worker.removals(), Vec::<String>::new());
    scene.world.stop(3).await;
    scene.api.world.gone("db-3");
    scene.published(0..3);
    scene.world.forgotten_by(0..3).await;
    scene.world.one_cluster(0..3).await;
    worker.end().await;
}

#[tokio::test]
async fn a_lost_nodes_member_is_remembered_until_its_pod_is_deleted_by_force() {
    let (mut scene, worker) = Scene::of_three().await;
    scene.world.stop(2).await;
    // So long nobody but the database knows; the API and DNS list it as ever.
    worker.watch(5).await;
    scene.api.world.lose_node("n2");
    scene.api.world.delete("db-2");
    worker.watch(20).await;
    assert_eq!(worker.removals(), Vec::<String>::new());
    scene.api.world.gone("db-2");
    scene.published(0..2);
    scene.world.forgotten_by(0..2).await;
    // It is made anew elsewhere, under its number.
    scene.begin(2).await;
    scene.published(0..3);
    scene.world.one_cluster(0..3).await;
    worker.end().await;
}

#[tokio::test]
async fn while_the_api_is_away_nobody_is_forgotten_and_then_what_was_missed_is_read() {
    let (mut scene, worker) = Scene::of_three().await;
    scene.api.world.hang(true);
    scene.world.stop(2).await;
    scene.api.world.gone("db-2");
    scene.published(0..2);
    worker.watch(20).await;
    assert_eq!(worker.removals(), Vec::<String>::new());
    // By the time that it answers again it has forgotten what happened, and tokens expired.
    scene.api.world.compact();
    scene.api.renew_token("renewed");
    scene.api.world.hang(false);
    scene.world.forgotten_by(0..2).await;
    worker.end().await;
}

#[tokio::test]
async fn everything_is_deleted_and_nobody_is_forgotten_for_it() {
    let (mut scene, worker) = Scene::of_three().await;
    scene.api.world.without_statefulset("db");
    for ordinal in 0..3 {
        scene.api.world.delete(&format!("db-{ordinal}"));
    }
    worker.watch(10).await;
    for ordinal in 0..2 {
        scene.world.stop(ordinal).await;
        scene.api.world.gone(&format!("db-{ordinal}"));
    }
    scene.published([2]);
    worker.watch(20).await;
    scene.published([]);
    worker.watch(5).await;
    assert_eq!(worker.removals(), Vec::<String>::new());
    worker.end().await;
}
