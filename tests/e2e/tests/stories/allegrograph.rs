//! AllegroGraph, a simulated one: copies come and go, die and come back, while somebody writes.

use std::time::Instant;

use meshworker_e2e::{Allegrograph, Deployment, World};

/// Writes one statement after another, each to the controlling server or to whichever copy the name
/// leads to, until there is `/tmp/stop`; notes each that was acknowledged by two.
const WRITER: &str = r#"rm -f /tmp/stop /tmp/stopped /tmp/acked; i=0
while [ ! -e /tmp/stop ]; do
    i=$((i+1)); host=controlling; [ $((i % 2)) = 0 ] && host=copy
    code=$(ask -o /dev/null -w '%{http_code}' -H 'x-repl-settings: durability=2' \
        -d "<s> <written> \"$i\" ." http://$host:10035/repositories/main/statements)
    [ "$code" = 204 ] && echo "$i" >> /tmp/acked
done; touch /tmp/stopped"#;

/// How many statements were acknowledged, and how many of them each of these addresses lacks.
const COUNTED: &str = r#"touch /tmp/stop; while [ ! -e /tmp/stopped ]; do sleep 0.1; done
sort /tmp/acked > /tmp/want; wc -l < /tmp/want"#;

/// One and two become one cluster; the copies become four and one again, in one command each; one
/// is killed, and so is the controlling one. Nobody dead is left, and nothing acknowledged is lost.
pub fn grows_and_shrinks(world: &World) {
    let mut graph = Deployment::new(world.swarm(), &Allegrograph, "sizes", 2);
    graph.becomes_clean(2);
    write(&graph);
    graph.scale(4);
    graph.becomes_clean(4);

    graph.mark();
    let killed = graph.members().remove(0);
    graph
        .stack()
        .kill_container(&killed)
        .expect("it can be killed");
    graph.settles(4);
    graph.becomes_clean(4);

    graph.scale(1);
    graph.becomes_clean(1);

    graph.mark();
    kill_controlling(&graph);
    graph.becomes_clean(1);
    is_whole(&graph);
    tells_no_password(&graph);
}

/// The same with more copies, an update of all, a worker that dies, and the volumes' owner killed again
/// and again.
pub fn dies_and_comes_back(world: &World) {
    let mut graph = Deployment::new(world.swarm(), &Allegrograph, "lives", 2);
    graph.becomes_clean(2);
    write(&graph);
    for _ in 0..3 {
        graph.scale(6);
        let worker = graph
            .stack()
            .running("meshworker")
            .expect("the manager answers");
        graph
            .stack()
            .kill_container(&worker[0])
            .expect("it can be killed");
        graph.becomes_clean(6);
        graph.mark();
        for member in graph.members().into_iter().take(2) {
            graph
                .stack()
                .kill_container(&member)
                .expect("it can be killed");
        }
        graph.settles(6);
        graph.becomes_clean(6);
        graph.scale(2);
        graph.becomes_clean(2);
        graph.mark();
        kill_controlling(&graph);
        graph.becomes_clean(2);
    }
    for service in ["copy", "controlling"] {
        graph.mark();
        graph
            .stack()
            .force_update(service)
            .expect("it can be updated");
        graph.wait("the update", || {
            let state = graph.stack().update_state(service);
            let state = state.map_err(|error| error.to_string())?;
            state.starts_with("completed").then_some(()).ok_or(state)
        });
        graph.becomes_clean(2);
    }
    is_whole(&graph);
    tells_no_password(&graph);
}

/// Its container is another one then, at another address, with the same volumes.
fn kill_controlling(graph: &Deployment<'_>) {
    let running = || {
        graph
            .stack()
            .running("controlling")
            .map_err(|error| error.to_string())
    };
    let before = running().expect("the manager answers").remove(0);
    graph
        .stack()
        .kill_container(&before)
        .expect("it can be killed");
    graph.wait("another controlling one", || {
        let now = running()?;
        let other = now.iter().any(|task| task.id != before.id);
        other.then_some(()).ok_or(format!("{now:?}"))
    });
}

/// Begins to write.
fn write(graph: &Deployment<'_>) {
    let ask = Allegrograph::ASK;
    let begin = format!(
        "cat > /tmp/writer <<'END'\n{ask}\n{WRITER}\nEND\n\
         setsid sh /tmp/writer </dev/null >/dev/null 2>&1 &"
    );
    Allegrograph::script(graph.tools(), &begin).expect("somebody writes");
    graph.wait("the first writes", || {
        let acked = Allegrograph::script(graph.tools(), "wc -l < /tmp/acked")?;
        let enough = acked.trim().parse().is_ok_and(|count: u64| count > 10);
        enough.then_some(()).ok_or(acked)
    });
}

/// Stops writing: each member has all that was acknowledged.
fn is_whole(graph: &Deployment<'_>) {
    let counted = Allegrograph::script(graph.tools(), COUNTED).expect("the writer ends");
    let mut hosts: Vec<String> = vec!["controlling".into()];
    let members = graph.members();
    hosts.extend(
        members
            .iter()
            .filter_map(|task| Some(task.address()?.to_string())),
    );
    let began = Instant::now();
    for host in hosts {
        graph.wait("all that was acknowledged", || {
            let script = format!(
                "ask http://{host}:10035/repositories/main/statements | sed -n 's/^<s> <written> \"\\(.*\\)\" \\.$/\\1/p' \
                 | sort > /tmp/have; comm -23 /tmp/want /tmp/have | wc -l"
            );
            let lacks = Allegrograph::script(graph.tools(), &script)?;
            (lacks.trim() == "0").then_some(()).ok_or(format!("{host} lacks {lacks}"))
        });
    }
    let seconds = began.elapsed().as_secs_f32();
    eprintln!(
        "  {seconds:>6.1} s  {} writes acknowledged, none lost",
        counted.trim()
    );
}

/// The password stands in no log, on no command line and in no answer.
fn tells_no_password(graph: &Deployment<'_>) {
    let secret = Allegrograph::script(graph.tools(), "printf %s \"$p\"").expect("there is one");
    let status = Allegrograph::script(graph.tools(), "meshworker look --json; meshworker events");
    let logs = ["meshworker", "controlling", "copy"].map(|service| graph.stack().logs(service));
    let logs = logs.into_iter().filter_map(Result::ok);
    for text in logs.chain(status) {
        assert!(!text.contains(&secret), "{text}");
    }
}
