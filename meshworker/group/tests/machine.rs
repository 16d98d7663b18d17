//! What the log comes to.

use meshworker_core::Change;
use meshworker_core::{Acknowledged, Fence};
use meshworker_group::{
    Closed, Command, Given, Held, Intent, Machine, Order, Ordered, Outcome, Told,
};

fn order(order: Order) -> Command {
    Command::Order(Ordered {
        cluster: "db".into(),
        who: None,
        at_ms: 0,
        order,
    })
}

fn intent(target: &str) -> Intent {
    Intent {
        cluster: "db".into(),
        change: Change::Forget,
        target: target.into(),
        what: "it left".into(),
        for_ms: 2_000,
    }
}

#[test]
fn orders_hold_until_they_are_taken_back() {
    let mut machine = Machine::default();
    let hold = |member: Option<&str>| Order::Hold {
        member: member.map(str::to_owned),
        why: "disk".into(),
        until_ms: None,
    };
    assert!(machine.apply(1, order(hold(None))));
    assert!(!machine.apply(2, order(hold(None))), "it is held already");
    assert!(machine.apply(3, order(hold(Some("db.2")))));
    assert!(machine.apply(
        4,
        order(Order::Acknowledge {
            losses: 3,
            members: 2,
            lost: None,
        })
    ));
    assert!(machine.apply(
        5,
        order(Order::Wish {
            name: "ideal-size".into(),
            value: Some("5".into())
        })
    ));
    let given = &machine.orders["db"];
    let acknowledged = Acknowledged {
        number: 1,
        losses: 3,
        members: 2,
    };
    assert_eq!(given.acknowledged(), Some(acknowledged));
    let held = Held {
        why: "disk".into(),
        ..Held::default()
    };
    let expected = Given {
        hold: Some(held.clone()),
        held: [("db.2".to_owned(), held)].into(),
        acknowledged: Some((1, 3, 2)),
        wishes: [("ideal-size".to_owned(), "5".to_owned())].into(),
        ..Given::default()
    };
    assert_eq!(*given, expected);
    let resume = |member: Option<&str>| Order::Resume {
        member: member.map(str::to_owned),
    };
    assert!(machine.apply(6, order(resume(None))) && machine.apply(7, order(resume(Some("db.2")))));
    assert!(machine.orders["db"].hold.is_none() && machine.orders["db"].held.is_empty());
}

/// A leader died in its own fail-over and left the block behind, and the next leader
/// refused (openark/orchestrator 1296).
#[test]
fn orchestrator_1296_what_a_dead_leader_left_open_is_withdrawn_and_blocks_nobody() {
    let mut machine = Machine::default();
    machine.apply(5, Command::Intend(intent("n1")));
    assert_eq!(machine.open[&5], intent("n1"));
    machine.apply(
        6,
        Command::Close {
            fence: 5,
            outcome: Outcome::Withdrawn,
        },
    );
    assert!(machine.open.is_empty());
    let closed = Closed {
        fence: 5,
        intent: intent("n1"),
        outcome: Outcome::Withdrawn,
    };
    assert_eq!(machine.closed, [closed]);
}

#[test]
fn fences_grow_over_whatever_anybody_has_heard() {
    let mut machine = Machine::default();
    assert_eq!(machine.fence(4), Fence(4));
    machine.apply(5, Command::Raise(900));
    assert_eq!(machine.fence(6), Fence(901));
    machine.apply(6, Command::Raise(20));
    assert_eq!(machine.fence(7), Fence(902));
}

#[test]
fn what_is_remembered_has_a_bound() {
    let mut machine = Machine::default();
    for node in 0..1_100 {
        machine.apply(
            node,
            order(Order::Forget {
                node: format!("n{node}"),
            }),
        );
    }
    assert_eq!(machine.orders["db"].forget.len(), 1_000);
    for fence in 10_000..12_500 {
        machine.apply(fence, Command::Intend(intent("n")));
    }
    assert_eq!(machine.open.len(), 1_000);
    machine.open.clear();
    for fence in 2_000..2_500 {
        machine.apply(fence, Command::Intend(intent("n")));
        machine.apply(
            fence,
            Command::Close {
                fence,
                outcome: Outcome::Withdrawn,
            },
        );
    }
    assert_eq!(machine.closed.len(), 200);
}

/// Each of them was short enough, and all together were longer than any letter.
#[test]
fn what_is_remembered_has_a_bound_in_bytes() {
    let mut machine = Machine::default();
    let long = "x".repeat(20_000);
    let mut intent = intent("n");
    intent.what = "y".repeat(400);
    for fence in 1..=1_500 {
        machine.apply(fence, Command::Intend(intent.clone()));
    }
    for number in 1..=100 {
        let why = long.clone();
        let (member, until_ms) = (Some(format!("db.{number}")), None);
        let hold = Order::Hold {
            member,
            why,
            until_ms,
        };
        machine.apply(number, order(hold));
        let outcome = Outcome::Failed(long.clone());
        let fence = 600 + number;
        machine.apply(2_000, Command::Close { fence, outcome });
        let told = Told {
            cluster: "db".into(),
            at_ms: 1,
            fact: serde_json::Value::String(long.clone()),
        };
        machine.apply(2_000, Command::Tell(vec![told]));
    }
    let held = &machine.orders["db"].held;
    assert!(held.contains_key("db.1") && !held.contains_key("db.100"));
    assert_eq!(machine.told.back().map(|(number, _)| *number), Some(100));
    let bytes = serde_json::to_vec(&machine).unwrap().len();
    assert!(bytes < meshworker_group::A_STATE, "{bytes}");
    // Less can be ordered all the same.
    let member = Some("db.1".to_owned());
    assert!(machine.apply(3_000, order(Order::Resume { member })));
}

#[test]
fn a_snapshot_is_read_as_it_was_written() {
    let mut machine = Machine::default();
    machine.apply(
        1,
        order(Order::Drain {
            member: "db.2".into(),
            wanted: true,
        }),
    );
    machine.apply(2, Command::Raise(50));
    machine.apply(3, Command::Intend(intent("n1")));
    let text = serde_json::to_string(&machine).unwrap();
    assert_eq!(serde_json::from_str::<Machine>(&text).unwrap(), machine);
    // An older worker's has less.
    assert_eq!(
        serde_json::from_str::<Machine>("{}").unwrap(),
        Machine::default()
    );
}

/// An order to take another primary's place, given meanwhile, went with the one that was done.
#[test]
fn an_order_that_is_done_took_a_later_one_with_it() {
    let mut machine = Machine::default();
    let failover = |term| Order::Failover {
        from: Some("db.1".into()),
        term: Some(term),
        lost: [].into(),
        until_ms: 9,
    };
    let done = |term| Order::Succeeded {
        from: Some("db.1".into()),
        term: Some(term),
    };
    machine.apply(1, order(failover(2)));
    assert!(!machine.apply(2, order(done(1))));
    assert!(machine.orders["db"].failover.is_some());
    assert!(machine.apply(3, order(done(2))));
    assert!(!machine.orders.contains_key("db"));
}

/// What earlier workers wrote is read.
#[test]
fn orders_without_a_term_and_words_on_no_cluster_are_read() {
    let read = |text: &str| serde_json::from_str::<Order>(text).unwrap();
    let failover = r#"{"failover": {"from": "db.1", "lost": [], "until_ms": 9}}"#;
    let ordered = Order::Failover {
        from: Some("db.1".into()),
        term: None,
        lost: [].into(),
        until_ms: 9,
    };
    assert_eq!(read(failover), ordered);
    assert_eq!(read(r#""failed_over""#), Order::FailedOver);
    let acknowledged = r#"{"acknowledge": {"losses": 1, "members": 3}}"#;
    let known = Order::Acknowledge {
        losses: 1,
        members: 3,
        lost: None,
    };
    assert_eq!(read(acknowledged), known);
}
