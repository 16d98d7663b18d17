//! etcd: who is a member changes, by an ideal size and by Swarm, while somebody writes.

use std::time::{Duration, Instant};

use meshworker_e2e::{Deployment, Etcd, World};
use meshworker_lab::{Output, Task};

/// So many times round, in the long tier.
const ROUNDS_VARIABLE: &str = "MESHWORKER_ROUNDS";

/// As many where nobody says.
const ROUNDS: usize = 100;

/// Writes one key after another until there is `/tmp/stop`: for each that was acknowledged
/// its number and when, in milliseconds.
const WRITER: &str = r#"rm -f /tmp/stop /tmp/acked; i=0
while [ ! -e /tmp/stop ]; do
    i=$((i+1))
    if timeout 8 etcdctl --command-timeout=5s put written/$i $i >/dev/null 2>&1; then
        echo "$i $(date +%s%3N)" >> /tmp/acked
    fi
done; touch /tmp/stopped"#;

/// How many acknowledged writes there are, how many of them cannot be read, and the
/// longest time between two of them, in milliseconds.
const COUNTED: &str = r#"touch /tmp/stop; while [ ! -e /tmp/stopped ]; do sleep 0.1; done
etcdctl get --prefix written/ --keys-only | sed -n 's,^written/,,p' | sort > /tmp/have
cut -d' ' -f1 /tmp/acked | sort > /tmp/want
echo "$(wc -l < /tmp/want) $(comm -23 /tmp/want /tmp/have | wc -l)\
 $(awk 'NR > 1 && $2 - last > most { most = $2 - last } { last = $2 } END { print most + 0 }' /tmp/acked)""#;

/// Three of five replicas form a cluster, become five and three again by an ideal size and
/// by Swarm, and lose their leader; clients ask whomever the service's name leads to, and
/// nothing that was acknowledged is lost.
pub fn grows_and_shrinks(world: &World) {
    let mut etcd = three_of_five(world, "sizes");

    let even = size(&etcd, "4");
    assert!(!even.success, "{}", even.stdout);
    assert!(even.stderr.contains("as many as 3 does"), "{}", even.stderr);
    round(&mut etcd);

    etcd.mark();
    let leader = leader(&etcd);
    etcd.stack()
        .kill_container(&leader)
        .expect("it can be killed");
    voters(&etcd, 5, 3, "the leader was killed");
    is_whole(&etcd);
}

/// All members are restarted with other addresses, one after another and at once.
pub fn comes_back(world: &World) {
    let mut etcd = three_of_five(world, "back");
    etcd.mark();
    let began = Instant::now();
    etcd.stack()
        .force_update("etcd")
        .expect("it can be updated");
    etcd.wait("the update", || {
        let state = etcd.stack().update_state("etcd");
        let state = state.map_err(|error| error.to_string())?;
        state.starts_with("completed").then_some(()).ok_or(state)
    });
    told(began, "Swarm is done with the update");
    voters(&etcd, 5, 3, "all were updated, one after another");
    is_whole(&etcd);

    etcd.mark();
    let before = etcd.members();
    std::thread::scope(|scope| {
        for member in &before {
            let stack = etcd.stack();
            scope.spawn(move || stack.kill_container(member).expect("it can be killed"));
        }
    });
    let began = Instant::now();
    etcd.settles(5);
    told(began, "Swarm has started all again");
    voters(&etcd, 5, 3, "all were killed at once");
    let now = etcd.members();
    let moved = now
        .iter()
        .filter(|task| before.iter().all(|old| old.id != task.id));
    assert_eq!(moved.count(), 5);
    let left = Etcd::script(
        etcd.tools(),
        "etcdctl get --prefix written/ --keys-only | grep -c .",
    );
    eprintln!(
        "          {} keys are there",
        left.expect("somebody answers").trim()
    );
}

/// The same again and again: no quorum is lost, and no write that was acknowledged.
pub fn a_hundred_rounds(world: &World) {
    let mut etcd = three_of_five(world, "rounds");
    let told = std::env::var(ROUNDS_VARIABLE).ok();
    let rounds = told.and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    for number in 1..=rounds {
        eprintln!("  round {number}");
        round(&mut etcd);
    }
    is_whole(&etcd);
}

/// A cluster of three with two spares, to which somebody writes.
fn three_of_five<'a>(world: &'a World, name: &str) -> Deployment<'a> {
    let env = [("IDEAL_SIZE", "3")];
    let etcd = Deployment::with(world.swarm(), &Etcd, name, 5, &[], &env);
    voters(&etcd, 5, 3, "three of five replicas are a cluster");
    write(&etcd);
    etcd
}

/// 3 => 5 => 3 => 1 => 3, by the ideal size and by Swarm.
fn round(etcd: &mut Deployment<'_>) {
    for (wish, why) in [(5, "3 => 5 by ideal size"), (3, "5 => 3 by ideal size")] {
        etcd.mark();
        assert!(size(etcd, &wish.to_string()).success);
        voters(etcd, 5, wish, why);
    }
    etcd.scale(3);
    voters(etcd, 3, 3, "5 => 3 replicas, three of them members");
    assert!(size(etcd, "1").success);
    voters(etcd, 3, 1, "3 => 1 by ideal size");
    assert!(size(etcd, "default").success);
    voters(etcd, 3, 3, "1 => 3 by the configuration");
    etcd.scale(5);
    voters(etcd, 5, 3, "3 => 5 replicas");
}

fn told(began: Instant, what: &str) {
    eprintln!("  {:>6.1} s  {what}", began.elapsed().as_secs_f32());
}

/// Waits until so many replicas run, so many of them are the members, and all, spares
/// included, answer clients with the same.
fn voters(etcd: &Deployment<'_>, replicas: usize, members: usize, what: &str) {
    let began = Instant::now();
    etcd.wait(what, || {
        let cluster = etcd.look(replicas)?;
        let found = cluster.nodes.len();
        (found == members)
            .then_some(())
            .ok_or(format!("{found} members"))
    });
    // By the service's name, wherever it leads.
    etcd.wait("the service's name", || {
        Etcd::script(
            etcd.tools(),
            "for i in 1 2 3 4 5; do timeout 6 etcdctl endpoint health || exit 1; done",
        )
    });
    told(began, what);
}

fn size(etcd: &Deployment<'_>, size: &str) -> Output {
    let told = etcd.tools().ask(&["meshworker", "size", size]);
    let told = told.expect("the tools container runs");
    eprintln!("          {}{}", told.stdout.trim(), told.stderr.trim());
    told
}

/// Begins to write.
fn write(etcd: &Deployment<'_>) {
    let begin = format!(
        "cat > /tmp/writer <<'END'\n{WRITER}\nEND\nsetsid sh /tmp/writer </dev/null >/dev/null 2>&1 &"
    );
    Etcd::script(etcd.tools(), &begin).expect("somebody writes");
    etcd.wait("the first writes", || {
        let acked = Etcd::script(etcd.tools(), "wc -l < /tmp/acked")?;
        let enough = acked.trim().parse().is_ok_and(|count: u64| count > 10);
        enough.then_some(()).ok_or(acked)
    });
}

/// Stops writing: nothing that was acknowledged is lost, and nobody waited for long.
fn is_whole(etcd: &Deployment<'_>) {
    let counted = Etcd::script(etcd.tools(), COUNTED).expect("the writer ends");
    let counted: Vec<u64> = counted
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let counted: Result<[u64; 3], _> = counted.try_into();
    let [acknowledged, lost, pause] = counted.expect("three numbers");
    eprintln!(
        "          {acknowledged} writes acknowledged, {lost} lost, longest pause {pause} ms"
    );
    assert_eq!(lost, 0);
    assert!(
        Duration::from_millis(pause) < Duration::from_secs(15),
        "{pause} ms"
    );
}

/// The member that leads.
fn leader(etcd: &Deployment<'_>) -> Task {
    etcd.wait("a leader", || {
        let script = "etcdctl endpoint status --cluster 2>/dev/null | grep ', true, false'";
        let said = Etcd::script(etcd.tools(), script)?;
        let members = etcd.members();
        let leads = |task: &&Task| {
            task.address()
                .is_some_and(|at| said.contains(&format!("//{at}:")))
        };
        members.iter().find(leads).cloned().ok_or(said)
    })
}
