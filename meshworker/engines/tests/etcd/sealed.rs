//! Where members ask for certificates.

use crate::fleet::Fleet;

/// Members know each other and the worker by certificates, and nobody else: it forms, grows
/// and shrinks as without them.
#[tokio::test]
async fn members_and_worker_know_each_other_by_certificates() {
    let Some(mut fleet) = Fleet::sealed(&[]) else {
        return;
    };
    fleet.scale(3);
    fleet.until_one_of(3, |_| {}).await;
    assert!(
        fleet.story[0].contains("advertise-client-urls=https://"),
        "{:?}",
        fleet.story
    );
    // Who has no certificate hears nothing.
    let first = fleet.running()[0];
    let open = crate::writer::ask(first, "/v3/maintenance/status", &serde_json::json!({})).await;
    assert_eq!(open, None);
    fleet.wish("1");
    fleet.until_one_of(1, |_| {}).await;
}
