//! MariaDB: whatever becomes of the primary, another one takes its place, and nothing that was
//! acknowledged is lost.

use std::time::Instant;

use meshworker_e2e::{Deployment, Mariadb, Said, World};
use meshworker_lab::Task;

/// Each writes one row after another by way of the proxy until there is `/tmp/stop`: for each
/// that was acknowledged its number and when, in milliseconds.
const WRITER: &str = r#"w=$1; i=0; : > /tmp/acked.$w
while [ ! -e /tmp/stop ]; do
    i=$((i+1))
    if timeout 30 mariadb --connect-timeout=25 -e "INSERT INTO e2e.written VALUES ($w, $i)" 2>>/tmp/said.$w; then
        echo "$i $(date +%s%3N)" >> /tmp/acked.$w
    else
        sleep 0.02
    fi
done; touch /tmp/stopped.$w"#;

const BEGIN: &str = r#"rm -f /tmp/stop /tmp/stopped.*
mariadb -e 'CREATE DATABASE IF NOT EXISTS e2e; CREATE TABLE e2e.written (w INT, n INT, PRIMARY KEY (w, n))'
for w in 1 2; do setsid sh /tmp/writer $w </dev/null >/dev/null 2>&1 & done"#;

/// How many acknowledged writes there are, and how many of them cannot be read.
const COUNTED: &str = r#"touch /tmp/stop
for w in 1 2; do while [ ! -e /tmp/stopped.$w ]; do sleep 0.1; done; done
mariadb -N -e 'SELECT w, n FROM e2e.written' | tr '\t' ' ' | sort > /tmp/have
for w in 1 2; do sed "s/^\([0-9]*\) .*/$w \1/" /tmp/acked.$w; done | sort > /tmp/want
echo "$(wc -l < /tmp/want) $(comm -23 /tmp/want /tmp/have | wc -l)""#;

/// The longest time between two acknowledgements from the last one before `$1` on, in
/// milliseconds, and how many came since.
const STALL: &str = r#"cat /tmp/acked.1 /tmp/acked.2 | cut -d' ' -f2 | sort -n | awk -v from=$1 '
$1 < from { last = $1; next }
{ count++; if (last && $1 - last > most) most = $1 - last; last = $1 }
END { print most + 0, count + 0 }'"#;

/// What becomes of the primary.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// Its process is killed.
    Killed,
    /// Its process hangs, and goes on once another one is primary.
    Hung,
    /// Its container is cut off, and is back once another one is primary.
    CutOff,
}

/// Three members, two writers; the primary is killed, hangs and is cut off.
pub fn fails_over(world: &World) {
    let mut mariadb = Deployment::with(world.swarm(), &Mariadb, "fails", 3, &[], &[]);
    mariadb.becomes_one(3);
    write(&mariadb);
    for fault in [Fault::Killed, Fault::Killed, Fault::Hung, Fault::CutOff] {
        another_takes_over(&mut mariadb, fault);
    }
    is_whole(&mariadb);
}

/// The same twenty times each, then everybody is killed at once, updated one after another,
/// and the service grows to five and shrinks again.
pub fn fails_over_again_and_again(world: &World) {
    let mut mariadb = Deployment::with(world.swarm(), &Mariadb, "again", 3, &[], &[]);
    mariadb.becomes_one(3);
    write(&mariadb);
    for fault in [Fault::Killed, Fault::Hung, Fault::CutOff] {
        let mut stalls: Vec<u64> = Vec::new();
        for _ in 0..20 {
            stalls.push(another_takes_over(&mut mariadb, fault));
        }
        stalls.sort_unstable();
        let (median, worst) = (stalls[stalls.len() / 2], stalls[stalls.len() - 1]);
        eprintln!("          {fault:?}: stalls of {median} ms, at most {worst} ms");
    }
    is_whole(&mariadb);

    write(&mariadb);
    mariadb.mark();
    let members = mariadb.members();
    for member in &members {
        mariadb
            .stack()
            .kill_container(member)
            .expect("it can be killed");
    }
    mariadb.becomes_one(3);
    mariadb.mark();
    mariadb
        .stack()
        .force_update("mariadb")
        .expect("it can be updated");
    mariadb.wait("the update", || {
        let state = mariadb.stack().update_state("mariadb");
        let state = state.map_err(|error| error.to_string())?;
        state.starts_with("completed").then_some(()).ok_or(state)
    });
    mariadb.becomes_one(3);
    for members in [5, 3] {
        mariadb.scale(members);
        mariadb.settles(members);
        mariadb.becomes_one(members);
    }
    is_whole(&mariadb);
}

/// Lets that happen to the primary, and waits until another one takes writes and all are in
/// their places again: for how long nobody could write, in milliseconds.
fn another_takes_over(mariadb: &mut Deployment<'_>, fault: Fault) -> u64 {
    mariadb.mark();
    let (primary, id) = primary(mariadb);
    let signal = |name: &str| {
        let killed = mariadb
            .stack()
            .exec(&primary, &["pkill", name, "-x", "mariadbd"]);
        killed.expect("it can be signalled");
    };
    let began = Instant::now();
    let at = Mariadb::script(mariadb.tools(), "date +%s%3N").expect("the clock is read");
    match fault {
        Fault::Killed => signal("-KILL"),
        Fault::Hung => signal("-STOP"),
        Fault::CutOff => mariadb
            .swarm
            .cut_container(&primary)
            .expect("it can be cut"),
    }
    let stall = format!("set -- {}; {STALL}", at.trim());
    let stalled = mariadb.wait("another primary", || {
        let said = Mariadb::script(mariadb.tools(), &stall)?;
        let mut numbers = said.split_whitespace().map(str::parse::<u64>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(stall)), Some(Ok(count))) if count >= 20 => Ok(stall),
            _ => Err(said),
        }
    });
    match fault {
        Fault::Killed => {}
        // It may be dead by now: whoever hangs is killed by its supervisor.
        Fault::Hung => {
            let go_on = ["sh", "-c", "pkill -CONT -x mariadbd || true"];
            mariadb.stack().exec(&primary, &go_on).expect("it goes on");
        }
        Fault::CutOff => mariadb
            .swarm
            .heal_container(&primary)
            .expect("it can be healed"),
    }
    mariadb.becomes_one(3);
    // Somebody knows of it: otherwise the next one waits for a minute.
    let known = ["meshworker", "acknowledge", "--why", "the next one"];
    let known = mariadb.tools().ask(&known);
    let known = known.expect("the tools container runs");
    assert!(known.success, "{}", known.stderr);
    let (_, now) = self::primary(mariadb);
    eprintln!(
        "  {:>6.1} s  {fault:?}: {id} was primary, {now} is; {stalled} ms without a write",
        began.elapsed().as_secs_f32()
    );
    stalled
}

/// The member that takes writes, and its number.
fn primary(mariadb: &Deployment<'_>) -> (Task, String) {
    mariadb.wait("a primary", || {
        let members = mariadb.members();
        let addresses: Vec<_> = members.iter().filter_map(Task::address).collect();
        let said = Mariadb::said(mariadb.tools(), &addresses)?;
        let writable: Vec<&Said> = said.iter().filter(|one| one.writable).collect();
        let [one] = writable[..] else {
            return Err(format!("{said:?}"));
        };
        let task = members
            .iter()
            .find(|task| task.address() == Some(one.address));
        Ok((task.ok_or("no task")?.clone(), one.id.clone()))
    })
}

/// Begins to write.
fn write(mariadb: &Deployment<'_>) {
    let begin = format!(
        "mariadb -e 'DROP TABLE IF EXISTS e2e.written' 2>/dev/null; cat > /tmp/writer <<'END'\n{WRITER}\nEND\n{BEGIN}"
    );
    Mariadb::script(mariadb.tools(), &begin).expect("somebody writes");
    mariadb.wait("the first writes", || {
        let acked = Mariadb::script(mariadb.tools(), "wc -l < /tmp/acked.1")?;
        let enough = acked.trim().parse().is_ok_and(|count: u64| count > 10);
        enough.then_some(()).ok_or(acked)
    });
}

/// Stops writing: nothing that was acknowledged is lost.
fn is_whole(mariadb: &Deployment<'_>) {
    let counted = Mariadb::script(mariadb.tools(), COUNTED).expect("the writers end");
    let counted: Vec<u64> = counted
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let counted: Result<[u64; 2], _> = counted.try_into();
    let [acknowledged, lost] = counted.expect("two numbers");
    eprintln!("          {acknowledged} writes acknowledged, {lost} lost");
    assert_eq!(lost, 0);
}
