//! Members that wait with data while nobody leads.

use super::*;

/// Told this whatever becomes of the others.
pub fn alone(n: u8, told: Tell) -> Nomination {
    Nomination {
        touches: Touches::Parts([format!("slot {n}")].into()),
        ..tell(n, told)
    }
}

fn all_wait() -> Scene {
    let mut scene = Scene::of(&[]);
    scene.desired = Some(3);
    scene.waits = [1, 2, 3].map(|n| (n, data(&id(n), "c1"))).into();
    scene
}

fn started(scene: &Scene) -> Vec<Nomination> {
    scene.propose().nominations
}

/// A worker that answered held them back, and they started all the same after three seconds:
/// what it knew of copies and of other clusters counted for nothing.
#[test]
fn whoever_has_data_started_unasked_beside_a_worker() {
    let mut scene = all_wait();
    let all = [1, 2, 3].map(|n| alone(n, start(n, &[])));
    assert_eq!(started(&scene), all);
    // So they do where one of them runs already, and has nobody to lead it.
    let mut two = Scene::of(&[1, 2, 3]);
    two.answers = [1].into();
    two.leader = None;
    two.waits = [2, 3].map(|n| (n, data(&id(n), "c1"))).into();
    assert_eq!(started(&two), all[1..]);
    // A copy does not, be it of one that waits or of one that runs.
    scene.waits.insert(4, data(&id(2), "c1"));
    assert_eq!(started(&scene), [all[0].clone(), all[2].clone()]);
    let said = refusals(&scene.propose()).join("\n");
    assert!(said.contains("start db.2 with its data"), "{said}");
    assert!(said.contains("db.2 has a copy of its data"), "{said}");
    two.waits.insert(3, data(&id(1), "c1"));
    assert_eq!(started(&two), all[1..2]);
    // Nor does anybody where nobody knows which of two clusters is meant.
    scene.waits.insert(4, data(&id(4), "c2"));
    assert_eq!(started(&scene), []);
    scene.born = Some("c1");
    assert_eq!(started(&scene), all);
    let said = refusals(&scene.propose()).join("\n");
    assert!(
        said.contains("it is of c2, and the cluster is c1"),
        "{said}"
    );
}
