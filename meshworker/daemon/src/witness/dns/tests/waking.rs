//! When the witness wakes its worker.

use super::*;

#[tokio::test]
async fn a_change_wakes_and_no_change_does_not() {
    let server = FakeDns::start().await.unwrap();
    server.set("stack_db", Behaviour::answer(["10.0.1.2", "10.0.1.3"]));
    let source = source(&[&server], IpFamily::Both, LONG);
    let woken = || timeout(LONG, source.changed());
    // Some whole looks, of two questions each, wake nobody.
    let asleep = async |why: &str| {
        let enough = server.counts().udp + 8;
        let asked = async {
            while server.counts().udp < enough {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            () = source.changed() => panic!("{why}"),
            asked = timeout(LONG, asked) => asked.expect("it does not ask"),
        }
    };

    woken().await.expect("nothing was reported yet");
    look(&source).await;
    asleep("nothing has changed").await;

    // Neither the order of the records nor a cancelled wait is a change.
    server.set("stack_db", Behaviour::answer(["10.0.1.3", "10.0.1.2"]));
    asleep("only the order has changed").await;

    server.set("stack_db", Behaviour::answer(["10.0.1.2"]));
    woken().await.expect("an address is gone");
    woken().await.expect("and nobody has reported it yet");
    look(&source).await;
    server.set("stack_db", Behaviour::ServFail);
    woken().await.expect("the grade is another");
}
