//! Names and databases' words come from outside: none of them is markup.

use meshworker::status::EventKind;
use meshworker_browser::Browser;

use crate::page::Page;
use crate::support::fake::Fake;
use crate::support::scene;

const EVIL: &str =
    "<img src=x onerror=\"window.bitten=1\"><script>window.bitten=1</script>'\"`${1}";

pub fn names_that_are_markup_stay_text(browser: &Browser) {
    let fake = Fake::start();
    let mut status = scene::calm(3, 3);
    status.name = format!("cluster {EVIL}");
    status.engine = EVIL.into();
    status.unity = format!("not one cluster: {EVIL}");
    status.mode.held = Some(EVIL.into());
    status.pass.pace = EVIL.into();
    status.witnesses[0].witness = EVIL.into();
    status.witnesses[0].grade = EVIL.into();
    scene::silence(&mut status, 3, false);
    scene::leave(&mut status, 1, Some(9));
    scene::refuse(&mut status, 4);
    status.unity = EVIL.into();
    let refusal = &mut status.plan.refusals[0];
    refusal.what = EVIL.into();
    refusal.reason = EVIL.into();
    refusal.kind = EVIL.into();
    refusal.evidence = vec![EVIL.into()];
    refusal.members = vec![format!("first {EVIL}")];
    for leaver in &mut status.leavers {
        leaver.member = format!("first {EVIL}");
        leaver.going = EVIL.into();
        leaver.unit = Some(EVIL.into());
        leaver.waits_for = Some(EVIL.into());
    }
    let first = &mut status.members[0];
    first.id = format!("first {EVIL}");
    first.address = EVIL.into();
    first.node = Some(EVIL.into());
    first.node_name = Some(EVIL.into());
    first.task = Some(EVIL.into());
    first.standing = EVIL.into();
    first.held = Some(EVIL.into());
    first.sightings[0].witness = EVIL.into();
    first.sightings[0].presence = EVIL.into();
    first.sightings[0].since = EVIL.into();
    let view = first.view.as_mut().unwrap();
    view.cluster_name = Some(EVIL.into());
    view.working = Some(EVIL.into());
    view.peers[0].node = EVIL.into();
    view.peers[0].address = Some(EVIL.into());
    status.members[2].unanswered = Some(EVIL.into());
    fake.set(status.clone());
    let mut event = scene::event(1, 0, EventKind::Failed, None, EVIL);
    event.cluster = status.name.clone();
    event.member = Some(status.members[0].id.clone());
    event.evidence = vec![EVIL.into()];
    fake.happen(event);

    let page = Page::open(browser, &fake);
    page.shows(&status);
    page.choose(&status.members[0].id);
    page.wait(
        "document.querySelectorAll('#evidence .event').length === 1",
        "document.getElementById('evidence').textContent",
    );
    // They are there, as text, and nothing came of them.
    let evil = serde_json::to_string(EVIL).unwrap();
    let count = page.eval(&format!(
        "document.body.textContent.split({evil}).length - 1"
    ));
    assert!(count.as_u64().unwrap() > 30, "{count}");
    let counts = "[document.images.length, document.querySelectorAll('body script').length, \
         document.querySelectorAll('[onerror], [style]').length, typeof window.bitten].join()";
    assert_eq!(page.eval(counts), "1,0,0,undefined");
    page.has_no_errors();
}
