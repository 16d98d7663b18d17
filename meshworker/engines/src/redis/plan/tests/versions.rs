//! Members of two versions.

use super::{Facts, SIX, Scene, THREE, at, id};

const OLD: Facts = Facts {
    keys: 0,
    state: "ok",
    replication: "redis_version:7.0.15\r\nmaster_link_status:up\r\n",
    run_id: "",
};

const NEW: Facts = Facts {
    replication: "redis_version:7.4.1\r\nmaster_link_status:up\r\n",
    ..OLD
};

/// A replica that cannot read what its master sends.
const CUT_OFF: Facts = Facts {
    replication: "redis_version:7.0.15\r\nmaster_link_status:down\r\n",
    ..OLD
};

fn scene(replicas: usize, table: &str, old: &[u8], new: &[u8]) -> Scene {
    let scene = Scene::replicas(replicas);
    let says = |scene: Scene, n: &u8, facts| scene.says(*n, at(*n), table, facts);
    let scene = old.iter().fold(scene, |scene, n| says(scene, n, OLD));
    new.iter().fold(scene, |scene, n| says(scene, n, NEW))
}

const CANNOT: &str = "Redis 7.0.15 cannot read what Redis 7.4.1 has written";

/// It was found out when the old server could not start any more.
#[test]
fn what_cannot_be_undone_is_said_before_anything_has_moved() {
    let four = format!("{THREE}\n4 master - connected");
    let told = scene(0, &four, &[1, 2, 3], &[4]).told();
    let remark = format!(
        "not done: keep a way back to Redis 7.0.15: {CANNOT}: 10.0.0.4 owns no slot yet, and this \
         is the last moment to go back"
    );
    assert!(told.contains(&remark), "{told}");
    // It has not even joined.
    let told = scene(0, THREE, &[1, 2, 3], &[])
        .says(4, at(4), "4 master - connected", NEW)
        .told();
    assert!(told.contains(&remark), "{told}");
    let told = scene(0, THREE, &[1, 2], &[3]).told();
    let remark = "10.0.0.3 holds such data, so go on until all members run Redis 7.4.1";
    assert!(told.contains(remark), "{told}");
    for told in [
        scene(0, THREE, &[1, 2, 3], &[]).told(),
        scene(0, THREE, &[], &[1, 2, 3]).told(),
    ] {
        assert_eq!(told, "one cluster of 3 members\n");
    }
}

#[test]
fn slots_go_to_newer_members_only() {
    let four = format!("{THREE}\n4 master - connected");
    let told = scene(0, &four, &[1, 2, 3], &[4]).told();
    assert!(told.contains("10.0.0.1: move slots "), "{told}");
    // An old one among new ones gets nothing: it does not even begin.
    let told = scene(0, &four, &[4], &[1, 2, 3]).told();
    assert!(!told.contains(": move slots 5"), "{told}");
    // What of it can be evened out is.
    let uneven = "1 master - connected 0-10000
        2 master - connected 10001-16000
        3 master - connected 16001-16383";
    let told = scene(0, uneven, &[2, 3], &[1]).told();
    assert!(
        told.contains("10.0.0.2: move slots ") && !told.contains("10.0.0.1: move slots "),
        "{told}"
    );
    let told = scene(0, uneven, &[3], &[1, 2]).told();
    assert!(
        told.contains("10.0.0.1: move slots ") && told.contains("to #2"),
        "{told}"
    );
    let even = "1 master - connected 0-8000
        2 master - connected 8001-16000
        3 master - connected 16001-16383";
    let told = scene(0, even, &[3], &[1, 2]).told();
    let refused = format!(
        "not done: move slots from 10.0.0.1 to 10.0.0.3: {CANNOT}: update 10.0.0.3 as well"
    );
    assert!(told.contains(&refused), "{told}");
    assert!(told.ends_with("one cluster of 3 members\n"), "{told}");
}

#[test]
fn a_leaver_gives_its_slots_to_those_that_can_read_them() {
    let four = "1 master - connected 0-4000
        2 master - connected 4001-8000
        3 master - connected 8001-12000
        4 master - connected 12001-16383";
    let told = scene(0, four, &[1, 2], &[3, 4]).leaving(&[4]).told();
    assert!(
        told.contains("4383 slots; they move to 1 masters that stay")
            && told.contains("10.0.0.4: move slots 12001-12128 to #3"),
        "{told}"
    );
    let told = scene(0, four, &[1, 2, 3], &[4]).leaving(&[4]).told();
    assert!(
        told.contains(&format!("leaves: 10.0.0.4 4383 slots; {CANNOT}"))
            && told.contains(&format!("not done: move slots from 10.0.0.4: {CANNOT}"))
            && !told.contains("10.0.0.4: move"),
        "{told}"
    );
    // The last of the old ones: 7.0 => 7.4 of three stood still here.
    let told = scene(0, THREE, &[1], &[2, 3]).leaving(&[1]).told();
    assert!(told.contains("10.0.0.1: move slots 0-127 to #2"), "{told}");
}

#[test]
fn nobody_follows_a_master_that_it_cannot_read() {
    let seven = format!("{SIX}\n7 master - connected");
    let told = scene(1, &seven, &[3, 7], &[1, 2, 4, 5, 6]).told();
    assert!(told.contains("10.0.0.7: CLUSTER REPLICATE #3"), "{told}");
    let told = scene(1, &seven, &[7], &[1, 2, 3, 4, 5, 6]).told();
    let refused = format!("not done: give 10.0.0.7 a master to follow: {CANNOT}");
    assert!(
        told.contains(&refused) && !told.contains("10.0.0.7: CLUSTER REPLICATE"),
        "{told}"
    );
    // One that copies in vain is given another master, if there is one.
    let told = |old: &[u8], new: &[u8]| {
        let scene = scene(1, SIX, old, new);
        scene.says(6, at(6), SIX, CUT_OFF).told()
    };
    let other = told(&[2, 3, 4, 5], &[1]);
    assert!(other.contains("10.0.0.6: CLUSTER REPLICATE #2"), "{other}");
    let none = told(&[], &[1, 2, 3, 4, 5]);
    assert!(!none.contains("REPLICATE"), "{none}");
}

#[test]
fn slots_on_their_way_down_are_refused() {
    let source = THREE.replace("0-5461", "0-5461 [7->-#2]");
    let target = THREE.replace("5462-10922", "5462-10922 [7-<-#1]");
    let scene = |old, new| {
        Scene::replicas(0)
            .says(1, at(1), &source, old)
            .says(2, at(2), &target, new)
            .says(3, at(3), THREE, OLD)
    };
    let told = scene(OLD, NEW).told();
    assert!(told.contains("10.0.0.1: move slots 7 to #2"), "{told}");
    let told = scene(NEW, OLD).told();
    let refused = format!("not done: finish the move of slot 7 to 10.0.0.2: {CANNOT}");
    assert!(
        told.contains(&refused) && !told.contains(": move slots 7"),
        "{told}"
    );
    // It keeps its ends, and nobody else.
    assert_eq!(scene(NEW, OLD).proposal().stuck, [1, 2].map(id).into());
    let told = scene(NEW, OLD).leaving(&[1]).told();
    let kept = format!("slot 7, which cannot arrive: {CANNOT}");
    assert!(told.contains(&kept) && told.contains(&refused), "{told}");
}
