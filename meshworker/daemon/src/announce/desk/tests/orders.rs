//! What operators order.

use super::*;
use crate::announce::Order;

fn order(slot: u64) -> Order {
    Order {
        cluster: "db".to_owned(),
        service: "stack_db".to_owned(),
        slot,
        address: ip(slot).address,
        drain: false,
    }
}

/// Where those are that are ordered to leave.
fn ordered(desk: &Desk, now: Instant) -> BTreeSet<Place> {
    desk.ordered(now).into_keys().collect()
}

#[test]
fn an_order_is_no_announcement_and_holds_until_it_is_not_told_again() {
    let (desk, start) = (Desk::default(), Instant::now());
    let now = |later: f64| start + seconds(later);
    desk.heard(&present(1), start).unwrap();
    let news = desk.report(start).1;
    assert_eq!(desk.order(&order(1), true, now(1.0)), Ok(None));
    assert_eq!(ordered(&desk, now(1.0)), [ip(1)].into());
    assert_ne!(desk.report(now(1.0)).1, news, "the worker looks at once");
    // The member's own word stays what it is.
    assert_eq!(reported(&desk, now(1.0)), [(ip(1), Presence::Present)]);
    desk.order(&order(1), true, now(3.0)).unwrap();
    assert_eq!(ordered(&desk, now(7.5)), [ip(1)].into());
    assert_eq!(ordered(&desk, now(8.0)), [].into());
}

#[test]
fn an_order_is_answered_from_a_pass_that_saw_it() {
    let (desk, start) = (Desk::default(), Instant::now());
    desk.heard(&present(1), start).unwrap();
    let found = |began| findings(&desk, began, true, vec![leaver(1, 1, Release::Granted)]);
    desk.publish(found(start));
    let granted = |now| {
        let verdict = desk.order(&order(1), true, now).unwrap();
        verdict.map(|verdict| verdict.granted)
    };
    let now = start + seconds(1.0);
    assert_eq!(granted(now), None);
    desk.publish(found(now + seconds(0.1)));
    assert_eq!(granted(now + seconds(0.2)), Some(true));
}

/// Whoever knows the token could order any member away.
#[test]
fn others_than_workers_order_only_where_nobody_contradicts_them() {
    let (desk, now) = (Desk::default(), Instant::now());
    desk.heard(&present(1), now).unwrap();
    let refused = desk.order(&order(1), false, now).unwrap_err().to_string();
    assert!(refused.contains("for which stack_db.1 speaks"), "{refused}");
    let refused = desk.order(&order(2), false, now).unwrap_err().to_string();
    assert!(refused.contains("from another address"), "{refused}");
    assert_eq!(ordered(&desk, now), [].into());
    let listed = Report::addresses(Witness::Dns, [ip(2)]);
    desk.publish(findings(&desk, now, true, Vec::new()).listing(&[listed]));
    assert_eq!(desk.order(&order(2), false, now), Ok(None));
    assert_eq!(ordered(&desk, now), [ip(2)].into());
    // Its own word ends that, and no worker's.
    desk.order(&order(1), true, now).unwrap();
    desk.heard(&present(1), now).unwrap();
    desk.heard(&present(2), now).unwrap();
    assert_eq!(ordered(&desk, now), [ip(1)].into());
}

/// Only the worker that was asked knew that a member goes on running, and the one that acts
/// waited for it to be gone.
#[test]
fn a_drain_was_known_to_one_worker_alone() {
    let (desk, now) = (Desk::default(), Instant::now());
    let drain = Order {
        drain: true,
        ..order(1)
    };
    desk.order(&drain, true, now).unwrap();
    desk.order(&order(2), true, now).unwrap();
    assert_eq!(desk.drained(now), ["stack_db.1".to_owned()].into());
    assert_eq!(ordered(&desk, now), [ip(1), ip(2)].into());
}
