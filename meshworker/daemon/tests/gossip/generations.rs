//! Members of three generations, on one router at once.

use std::net::IpAddr;

use crate::java::{Java, Release};
use crate::routers::{members, start};

const AT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 61, 1, 1));
const ROUTER: &str = "127.61.1.1[12001]";
const ALL: [(Release, &str); 3] = [
    (Release::V2, "127.61.1.2"),
    (Release::V4, "127.61.1.4"),
    (Release::V5, "127.61.1.5"),
];

/// With the router of 5.x, members of 4.x break their connections and never find each other.
#[tokio::test(flavor = "multi_thread")]
async fn members_of_each_generation_find_each_other_and_outlive_their_router() {
    let Some(java) = Java::find() else { return };
    let router = start(AT);
    let mut all = Vec::new();
    for name in ["A", "B"] {
        for (release, at) in ALL {
            all.push(java.member(release, name, at, ROUTER));
        }
    }
    for member in &mut all {
        member.sees(2).await;
    }
    router
        .until("all are registered", |status| members(status) == 6)
        .await;
    assert_eq!(router.hub.status().groups.len(), 3);
    // Nobody's view depends on the router, and whoever comes finds the others by an empty
    // one, once they have come to it again.
    router.kill().await;
    let router = start(AT);
    router
        .until("all come again", |status| members(status) == 6)
        .await;
    for (release, at) in ALL {
        all.push(java.member(release, "C", at, ROUTER));
    }
    for member in &mut all {
        member.sees(3).await;
    }
    // Whoever is killed is registered no more.
    drop(all.pop());
    router
        .until("one is gone", |status| members(status) == 8)
        .await;
}
