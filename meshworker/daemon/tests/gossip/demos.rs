//! The demos of JGroups through a router: what they promise holds.

use std::net::IpAddr;

use crate::java::{Java, Release};
use crate::routers::start;

fn at(group: u8, last: u8) -> String {
    format!("127.61.{group}.{last}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counter_is_right_while_its_group_grows_and_shrinks() {
    let Some(java) = Java::find() else { return };
    let router = start(IpAddr::from([127, 61, 7, 1]));
    let names = ["A", "B", "C", "D", "E", "F"];
    let member = |n: usize| {
        java.member(
            Release::V4,
            names[n],
            &at(7, n as u8 + 2),
            "127.61.7.1[12001]",
        )
    };
    let mut all = vec![member(0), member(1), member(2)];
    for one in &mut all {
        one.sees(3).await;
    }
    // It begins at 1, and whoever asks has it one higher.
    let mut value = 1;
    for one in &mut all {
        value += 1;
        one.types("1");
        one.says(&format!("counter: {value}\n")).await;
    }
    all.extend([member(3), member(4), member(5)]);
    for one in &mut all {
        one.sees(6).await;
        value += 1;
        one.types("1");
        one.says(&format!("counter: {value}\n")).await;
    }
    // The coordinator, who has the counter, is killed first; each next one once the others have
    // noticed.
    while all.len() > 2 {
        drop(all.remove(0));
        let left = all.len();
        for one in &mut all {
            one.sees(left).await;
        }
        value += 1;
        all[0].types("1");
        all[0].says(&format!("counter: {value}\n")).await;
    }
    value += 1;
    all[1].types("1");
    all[1].says(&format!("counter: {value}\n")).await;
    drop(router);
}
