//! A and AAAA, of which one fails.

use super::*;

#[tokio::test]
async fn both_families_are_one_answer() {
    let said = reported(Behaviour::answer([
        "fd00::2",
        "10.0.1.2",
        "::ffff:10.0.1.2",
    ]))
    .await;
    assert_eq!(
        said,
        (Grade::Answer, vec!["10.0.1.2".into(), "fd00::2".into()])
    );
}

#[tokio::test]
async fn a_failure_of_one_family_keeps_the_addresses_of_the_other_and_is_incomplete() {
    for (v6, grade) in [
        (Behaviour::ServFail, Grade::ServFail),
        (Behaviour::Silent, Grade::Timeout),
        (Behaviour::NxDomain, Grade::Answer),
        (Behaviour::Empty, Grade::Answer),
    ] {
        let said = reported(Behaviour::PerFamily {
            v4: Box::new(Behaviour::answer(["10.0.1.2"])),
            v6: Box::new(v6),
        });
        assert_eq!(said.await, (grade, vec!["10.0.1.2".into()]));
    }
}

#[tokio::test]
async fn one_family_alone_is_complete_where_the_other_is_never_answered() {
    let server = FakeDns::start().await.unwrap();
    server.set(
        "stack_db",
        Behaviour::PerFamily {
            v4: Box::new(Behaviour::answer(["10.0.1.2"])),
            v6: Box::new(Behaviour::Silent),
        },
    );
    let v4 = source(&[&server], IpFamily::V4, LONG);
    assert_eq!(look(&v4).await, (Grade::Answer, vec!["10.0.1.2".into()]));

    // With both, addresses that are known do not wait for the whole deadline.
    let both = source(&[&server], IpFamily::Both, LONG * 60);
    let said = timeout(LONG, look(&both)).await.expect("it waits");
    assert_eq!(said, (Grade::Timeout, vec!["10.0.1.2".into()]));
}
