//! Whose answer is held, and until when.

use tokio::join;

use super::*;
use crate::announce::Sibling;

#[tokio::test(start_paused = true)]
async fn a_release_waited_for_the_next_question() {
    let (desk, start) = (Desk::default(), Instant::now());
    desk.heard(&leaving(1), start).unwrap();
    let asks = leaving(1);
    let waits = desk.answer(&asks, start).own_mark();
    let decided = async {
        sleep(seconds(0.1)).await;
        let unchanged = findings(&desk, start, true, Vec::new());
        desk.publish(unchanged);
        sleep(seconds(0.2)).await;
        let leavers = vec![leaver(1, 1, Release::Granted)];
        desk.publish(findings(&desk, start + seconds(0.25), true, leavers));
    };
    let (answer, ()) = join!(desk.other_answer(&asks, waits), decided);
    assert!(answer.verdict.is_some_and(|verdict| verdict.granted));
    assert_eq!(start.elapsed(), seconds(0.3), "as soon as it was decided");
}

#[tokio::test(start_paused = true)]
async fn where_nothing_changes_an_answer_is_held_for_a_second_and_at_a_closed_desk_for_none() {
    let (desk, start) = (Desk::default(), Instant::now());
    desk.heard(&present(1), start).unwrap();
    let asks = present(1);
    let same = desk.answer(&asks, start).own_mark();
    let answer = desk.other_answer(&asks, same).await;
    assert_eq!((answer.own_mark(), start.elapsed()), (same, HELD));
    let again = Instant::now();
    let closed = async {
        sleep(seconds(0.1)).await;
        desk.close();
    };
    join!(desk.other_answer(&asks, same), closed);
    assert_eq!(again.elapsed(), seconds(0.1));
    desk.other_answer(&asks, same.wrapping_add(1)).await;
    assert_eq!(again.elapsed(), seconds(0.1), "it is another one already");
}

#[test]
fn a_reason_that_only_counts_down_is_no_other_answer() {
    let answer = |granted, why: &str| Answer {
        generation: 2,
        in_place: true,
        cluster: "one cluster".to_owned(),
        verdict: Some(Verdict {
            granted,
            fence: None,
            why: why.to_owned(),
            going: "gone for good".to_owned(),
            place: 1,
            progress: None,
        }),
        tell: None,
        siblings: Vec::new(),
        fence: None,
        mark: None,
    };
    let mark = |granted, why| answer(granted, why).own_mark();
    let held = mark(false, "gate 7 is closed: 1.2 s of 5 s");
    assert_eq!(held, mark(false, "gate 7 is closed: 1.3 s of 5 s"));
    assert_ne!(held, mark(false, "gate 4 is open"));
    assert_ne!(held, mark(true, "gate 7 is closed: 1.2 s of 5 s"));
}

#[tokio::test(start_paused = true)]
async fn who_knows_its_siblings_by_name_waited_a_second_to_hear_where_one_is_now() {
    let (desk, start) = (Desk::default(), Instant::now());
    let asks = present(1);
    desk.heard(&asks, start).unwrap();
    let at = |last: u64| Sibling {
        slot: 2,
        address: ip(last).address,
        serves: true,
    };
    let tell = |last: u64| {
        let own = ("stack_db".to_owned(), vec![at(last)]);
        let others = ("other_db".to_owned(), vec![at(99)]);
        let told = Findings::settled_at(Instant::now(), ip(1));
        desk.publish(told.telling([own, others].into()));
    };
    tell(2);
    let knows = desk.answer(&asks, start);
    assert_eq!(knows.siblings, [at(2)]);
    let moved = async {
        sleep(seconds(0.1)).await;
        tell(7);
    };
    let (answer, ()) = join!(desk.other_answer(&asks, knows.own_mark()), moved);
    assert_eq!(answer.siblings, [at(7)]);
    assert_eq!(start.elapsed(), seconds(0.1));
}
