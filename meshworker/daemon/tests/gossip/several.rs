//! Several routers are one.

use std::net::IpAddr;

use crate::java::{Java, Release};
use crate::routers::{Routers, members};

fn at(group: u8, last: u8) -> IpAddr {
    [127, 61, group, last].into()
}

fn router(group: u8, last: u8) -> String {
    format!("127.61.{group}.{last}[12001]")
}

/// Each member knows one router of its own.
#[tokio::test(flavor = "multi_thread")]
async fn the_death_of_one_of_three_routers_loses_nothing() {
    let Some(java) = Java::find() else { return };
    let all = [1, 2, 3].map(|last| at(2, last));
    let routers = Routers::at(&all).await;
    let [first, second, third] = all.map(|at| routers.start(at));
    for one in [&first, &second, &third] {
        one.until("two others are heard", |status| status.routers == 2)
            .await;
    }
    let mut a = java.member(Release::V5, "A", "127.61.2.11", &router(2, 1));
    a.sees(1).await;
    let mut b = java.member(Release::V5, "B", "127.61.2.12", &router(2, 2));
    for member in [&mut a, &mut b] {
        member.sees(2).await;
    }
    third
        .until("both are known to who has neither", |status| {
            members(status) == 2
        })
        .await;
    // The one that A came to is gone, and A with it for the router that is asked next.
    first.kill().await;
    third
        .until("it is missed", |status| status.lost_routers == 1)
        .await;
    let mut c = java.member(Release::V5, "C", "127.61.2.13", &router(2, 3));
    for member in [&mut a, &mut b, &mut c] {
        member.sees(3).await;
    }
    // It comes back empty, and is told by both sides.
    let first = routers.start(all[0]);
    first
        .until("it has all of it", |status| members(status) == 3)
        .await;
    drop(c);
    first
        .until("whoever is gone is gone there", |status| {
            members(status) == 2
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_tunnel_chat_through_two_routers_and_then_through_one() {
    let Some(java) = Java::find() else { return };
    let all = [1, 2].map(|last| at(3, last));
    let routers = Routers::at(&all).await;
    let [first, second] = all.map(|at| routers.start(at));
    first
        .until("the other is heard", |status| status.routers == 1)
        .await;
    second
        .until("the other is heard", |status| status.routers == 1)
        .await;
    let both = format!("{},{}", router(3, 1), router(3, 2));
    let mut a = java.member(Release::Tunnel, "A", "127.61.3.11", &router(3, 1));
    a.sees(1).await;
    let mut b = java.member(Release::Tunnel, "B", "127.61.3.12", &router(3, 2));
    let mut c = java.member(Release::Tunnel, "C", "127.61.3.13", &both);
    for member in [&mut a, &mut b, &mut c] {
        member.sees(3).await;
    }
    a.types("good morning");
    for member in [&mut b, &mut c] {
        member.says("[A]: good morning").await;
    }
    b.types("same to you");
    for member in [&mut a, &mut c] {
        member.says("[B]: same to you").await;
    }
    // The routers notice at once, and whoever has sent no heartbeat yet does after a while.
    drop(a);
    for member in [&mut b, &mut c] {
        member.sees(2).await;
    }
    first.kill().await;
    c.types("who is left");
    b.says("[C]: who is left").await;
}
