//! Whose pods are taken for the members of a cluster.

use super::*;

/// A pod of this namespace that may read its pods.
fn pod(namespace: &str) -> Surroundings {
    Surroundings {
        docker: false,
        kubernetes: true,
        namespace: Some(namespace.to_owned()),
    }
}

fn given(names: &str, more: &[(&str, &str)]) -> Raw {
    let mut raw = Raw::default();
    let usual = [("servicename", names), ("engine", "redis")];
    for (name, value) in usual.iter().chain(more) {
        raw.give(name, *value, Origin::Flag).unwrap();
    }
    raw
}

fn validated(names: &str, more: &[(&str, &str)]) -> Result<Cluster, Invalid> {
    Cluster::validate(&given(names, more), pod("a"))
}

/// The StatefulSets of a cluster with these names, as a worker in the namespace `a` has them.
fn sets(names: &str, more: &[(&str, &str)]) -> Option<String> {
    let cluster = validated(names, more).unwrap();
    cluster.kubernetes.map(|all| all.statefulsets.join(","))
}

/// A worker in `a` took the pods of `redis` in `a` for the members of `redis.b`.
#[test]
fn pods_of_another_namespace_were_taken_for_those_of_our_own_name() {
    for own in [
        "redis",
        "redis.a",
        "redis.a.svc",
        "redis.a.svc.cluster.local.",
    ] {
        assert_eq!(sets(own, &[]).as_deref(), Some("redis"), "{own}");
    }
    for other in [
        "redis.b",
        "redis.b.svc.cluster.local.",
        "redis.a.example.com",
        "redis.a,redis.b",
        "redis,redis.a",
    ] {
        assert_eq!(sets(other, &[]), None, "{other}");
        let named = [("kubernetes-statefulset", "mine")];
        assert_eq!(sets(other, &named).as_deref(), Some("mine"), "{other}");
    }
    assert_eq!(sets("redis,more.a", &[]).as_deref(), Some("redis,more"));
    // Who says that it has to be a witness is told what is missing.
    let why = validated("redis.b", &[("kubernetes", "yes")]).unwrap_err();
    let why = why.to_string();
    assert!(
        why.starts_with("kubernetes-statefulset (default): found nothing; allowed: "),
        "{why}"
    );
    assert_eq!(sets("redis", &[("kubernetes", "no")]), None);
}
