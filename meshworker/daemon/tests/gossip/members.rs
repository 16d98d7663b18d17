//! Real members, as the engine sees them, and what is left of them in their tables.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use meshworker_core::{
    Answer, Context, Limits, Mind, Moment, Observation, Place, Report, Unity, Witness,
};
use meshworker_engines::jgroups::{Detail, Jgroups};
use meshworker_engines::{Access, Engine};
use tokio::time::Instant;

use crate::java::{Java, Release};
use crate::routers::{members, start};

fn at(group: u8, last: u8) -> Place {
    Place::from([127, 61, group, last])
}

fn engine(option: &str, value: &str) -> Jgroups {
    let given = BTreeMap::from([(option.to_owned(), value.to_owned())]);
    Jgroups::new(Access {
        port: 7800,
        service_port: 7500,
        cluster_name: None,
        user: None,
        password: None,
        tls: None,
        deadline: Duration::from_secs(5),
        options: Jgroups::DESCRIPTOR.complete(&given).unwrap(),
    })
}

async fn looked(engine: &Jgroups, places: &[Place]) -> Observation<Detail> {
    let mut answers = BTreeMap::<Place, Answer<Detail>>::new();
    for place in places {
        answers.insert(*place, engine.observe(*place).await);
    }
    let dns = Report::addresses(Witness::Dns, places.iter().copied());
    Observation::of(vec![dns], answers)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_view_is_seen_as_its_members_see_it() {
    let Some(java) = Java::find() else { return };
    let router = start(IpAddr::from([127, 61, 4, 1]));
    let mut a = java.member(Release::V5, "A", "127.61.4.11", "127.61.4.1[12001]");
    a.sees(1).await;
    let mut b = java.member(Release::V5, "B", "127.61.4.12", "127.61.4.1[12001]");
    b.sees(2).await;
    a.sees(2).await;
    router
        .until("both are registered", |status| members(status) == 2)
        .await;
    let engine = engine("routers", "127.61.4.1");
    let places = [at(4, 11), at(4, 12)];
    let observed = looked(&engine, &places).await;
    let views: Vec<_> = places
        .map(|at| observed.answers[&at].clone().unwrap())
        .into();
    for view in &views {
        assert_eq!(view.size, 2);
        assert_eq!(view.detail.members, ["A", "B"]);
        assert_eq!(
            view.peers, views[0].peers,
            "both know both by their ids and places"
        );
        let registered = view.detail.registered.as_deref().unwrap();
        assert_eq!(registered.len(), 2);
        assert!(registered.iter().any(|one| one.node == view.node));
    }
    let coordinates = views.iter().map(|view| view.detail.coordinates);
    assert_eq!(coordinates.collect::<Vec<_>>(), [true, false]);
    assert_eq!(
        views[0]
            .peers
            .iter()
            .filter_map(|peer| peer.address)
            .collect::<Vec<_>>()
            .len(),
        2
    );
    let limits = Limits::default();
    let context = Context::alone(Moment::default(), &limits);
    let plan = Mind::default().decide(&engine, &context, &observed);
    assert_eq!(plan.unity, Unity::One { size: 2 });
    assert!(
        plan.steps.is_empty() && plan.refusals.is_empty(),
        "{:?}",
        plan.refusals
    );
    // Nothing was changed by being looked at.
    a.types("still here");
    b.says("still here").await;
}

/// A coordinator that was killed leaves its file: whoever comes waits for it, and then founds a
/// group of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_coordinators_file_kept_newcomers_waiting() {
    let Some(java) = Java::find() else { return };
    let shared = tempfile::tempdir().unwrap();
    let folder = shared.path().to_str().unwrap();
    let member = |name: &str, last: u8| {
        java.member(Release::Files, name, &format!("127.61.5.{last}"), folder)
    };
    let files = || {
        let found = glob(shared.path());
        found.iter().filter(|name| name.ends_with(".list")).count()
    };
    let mut a = member("A", 1);
    a.sees(1).await;
    let mut b = member("B", 2);
    b.sees(2).await;
    drop(a);
    b.sees(1).await;
    let engine = engine("files", folder);
    let limits = Limits {
        removal_hold: Duration::from_secs(1),
        mass_vanish_hold: Duration::from_secs(1),
        ..Limits::default()
    };
    let mut mind = Mind::default();
    let mut cleaned = async |places: &[Place]| {
        for seconds in 0..600 {
            let observed = looked(&engine, places).await;
            let now = Moment(Duration::from_secs(seconds));
            let plan = mind.decide(&engine, &Context::alone(now, &limits), &observed);
            if let Some(step) = plan.steps.first() {
                return engine.perform(step).await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("nothing was removed of {:?}", glob(shared.path()));
    };
    assert_eq!(files(), 2, "{:?}", glob(shared.path()));
    let began = Instant::now();
    let mut c = member("C", 3);
    c.sees(2).await;
    let stale = began.elapsed();
    drop(c);
    b.sees(1).await;
    // That of whoever coordinates now stays.
    assert_eq!(cleaned(&[at(5, 2)]).await, "removed");
    assert_eq!(files(), 1, "{:?}", glob(shared.path()));
    let began = Instant::now();
    let mut d = member("D", 4);
    d.sees(2).await;
    let clean = began.elapsed();
    println!(
        "a newcomer joins after {stale:?} beside a dead coordinator's file, after {clean:?} without"
    );
    // Where all are dead each newcomer waits once: who could say that the others are?
    drop((b, d));
    assert_eq!(files(), 1);
    let began = Instant::now();
    let mut e = member("E", 5);
    e.sees(1).await;
    println!(
        "where all are dead a newcomer is alone after {:?}",
        began.elapsed()
    );
    assert_eq!(cleaned(&[at(5, 5)]).await, "removed");
}

fn glob(folder: &std::path::Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.path().is_dir() {
            true => names.extend(glob(&entry.path())),
            false => names.push(entry.file_name().into_string().unwrap()),
        }
    }
    names
}
