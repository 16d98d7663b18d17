//! The simulated server alone: what a real one must refuse.

use std::net::IpAddr;

use crate::client::{ask_as, get, put, until_up};
use crate::fleet::{CONTROLLING, Fleet, copy};

const BASE: &str = "/repositories/main/repl";

async fn refused(at: IpAddr, path: &str, words: &str) {
    let (status, said) = put(at, &format!("{BASE}/{path}")).await.unwrap();
    assert!(status == 400 && said.contains(words), "{status} {said}");
}

#[tokio::test]
async fn what_a_real_one_must_refuse_is_refused() {
    let mut fleet = Fleet::new();
    fleet.scale(2);
    let (chief, one, two) = (fleet.at(CONTROLLING), fleet.at(copy(1)), fleet.at(copy(2)));
    for at in [chief, one, two] {
        until_up(at).await;
    }
    let login = "user=test&password=xy%26zzy%2F%C3%BC%3D1&port=10035";
    let grow = |name: &str, at: IpAddr| {
        format!("growCluster?instanceName={name}&host={at}&name=main&{login}")
    };

    // Versions are told to anybody, and nothing else is.
    assert_eq!(
        ask_as(None, chief, "GET", "/version", "").await.unwrap().0,
        200
    );
    for password in [None, Some("wrong")] {
        let said = ask_as(password, chief, "GET", "/repositories", "").await;
        assert_eq!(said.unwrap().0, 401);
    }
    assert_eq!(get(chief, &format!("{BASE}/status")).await.unwrap().0, 404);

    let create = format!("createCluster?instanceName=controlling&host=agraph&{login}");
    refused(chief, "createCluster?instanceName=x", "host is missing").await;
    let made = put(chief, &format!("{BASE}/{create}")).await.unwrap();
    assert_eq!(made.0, 204, "{}", made.1);
    refused(chief, &create, "in a cluster already").await;

    let made = put(chief, &format!("{BASE}/{}", grow("a", one)))
        .await
        .unwrap();
    assert_eq!(made.0, 204, "{}", made.1);
    refused(chief, &grow("a", two), "there is an instance named a").await;
    refused(
        chief,
        &grow("b", one),
        "there is an instance at that address",
    )
    .await;
    refused(one, &grow("b", two), "not the controlling instance").await;
    refused(
        chief,
        &grow("b", "127.0.0.1".parse().unwrap()),
        "nobody answers",
    )
    .await;
    refused(chief, "remove?instanceName=x", "no instance named x").await;
    refused(
        chief,
        "remove?instanceName=controlling",
        "cannot be removed",
    )
    .await;
    refused(
        one,
        "remove?instanceName=controlling",
        "not the controlling",
    )
    .await;
    let deleted = crate::client::ask(one, "DELETE", "/repositories/main", "")
        .await
        .unwrap();
    assert!(deleted.1.contains("remove it first"), "{}", deleted.1);

    // Taken out, its data never comes in again; thrown away, it may be a copy anew.
    let removed = put(chief, &format!("{BASE}/remove?instanceName=a"))
        .await
        .unwrap();
    assert_eq!(removed.0, 204, "{}", removed.1);
    let (status, said) = get(one, &format!("{BASE}/status")).await.unwrap();
    assert!(
        status == 400 && said.contains("was removed"),
        "{status} {said}"
    );
    refused(chief, &grow("a2", one), "main exists").await;
    let deleted = crate::client::ask(one, "DELETE", "/repositories/main", "")
        .await
        .unwrap();
    assert_eq!(deleted.0, 204, "{}", deleted.1);
    let made = put(chief, &format!("{BASE}/{}", grow("a2", one)))
        .await
        .unwrap();
    assert_eq!(made.0, 204, "{}", made.1);
}
