//! Hostile containers on the members' network, that know no secret: all attacks of the
//! page on security at once, while members come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use meshworker_e2e::{Database, Deployment, Redis, World};
use meshworker_hostile::Report;
use meshworker_lab::{Docker, Task};

const RECORDS: usize = 500;

/// So many of them, on different nodes.
const HOSTILE: usize = 3;

/// They end by themselves after this, whatever becomes of the story.
const SECONDS: &str = "900";

const PROGRAM: &str = "/tmp/meshworker-hostile";
const STOP: &str = "/tmp/stop";

/// What a hostile container is not to hear anywhere: what the stack's examples hold.
const SECRETS: [&str; 3] = [
    "redis-password.example",
    "meshworker-token.example",
    "operator-token.example",
];

/// The longest that an honest operator waits, on a machine that is as busy as it may be:
/// the usual is milliseconds, and the figures are printed.
const LONGEST: Duration = Duration::from_secs(60);

/// Members are added and taken away, and operators ask, while everything is tried.
pub fn on_the_members_network(world: &World) {
    let stack = "redis-hostile";
    let files = [World::test_stack("hostile.yml")];
    let env = [("HOSTILE_STACK", stack)];
    let deployment = Deployment::with(world.swarm(), &Redis, "hostile", 3, &files, &env);
    assert_eq!(deployment.stack().name(), stack);
    deployment.becomes_one(3);
    deployment.write(RECORDS);
    let worker = Worker::of(&deployment);
    eprintln!("  the calm worker has {} MiB in memory", worker.memory().0);
    deployment
        .stack()
        .scale("hostile", HOSTILE)
        .expect("Swarm takes it");
    let hostile = deployment.wait("hostile containers", || {
        let running = deployment
            .stack()
            .running("hostile")
            .map_err(|why| why.to_string())?;
        let there = running.len() == HOSTILE && running.iter().all(|task| task.address().is_some());
        there.then_some(running).ok_or("not all run".to_owned())
    });
    let named = deployment
        .tools()
        .resolve(&format!("tasks.{stack}_meshworker"));
    eprintln!("  at the workers' name: {:?}", named.unwrap_or_default());
    let named = deployment.tools().resolve("redis");
    eprintln!("  at the members' name: {:?}", named.unwrap_or_default());

    let Seen {
        attacks,
        curve,
        answers,
    } = under_attack(world, &deployment, &worker, &hostile);
    let gone = deployment.stack().scale("hostile", 0);
    gone.expect("Swarm takes it");
    // A name that Docker gives to others as well is Docker's word: as long as one of
    // them does not answer, nobody is forgotten.
    deployment.becomes_clean(3);
    deployment.all_there(RECORDS);

    assert_eq!(attacks.len(), HOSTILE);
    for (report, task) in attacks.iter().zip(&hostile) {
        eprintln!("  {task}: {}", told(report));
    }
    in_vain(&attacks);
    let waited = spread(answers.iter().map(|answer| answer.took).collect());
    eprintln!("  {} answers to operators took {waited:?}", answers.len());
    assert!(
        waited.is_some_and(|[.., most]| most < LONGEST),
        "{waited:?}"
    );
    let heard = answers.into_iter().flat_map(|answer| answer.heard);
    let heard = spread(heard.collect());
    eprintln!("  members were heard last {heard:?} ago");
    assert!(heard.is_some_and(|[.., most]| most < LONGEST), "{heard:?}");
    worker.is_the_same_within_its_limit(&deployment, &curve);
}

/// What came of it.
struct Seen {
    attacks: Vec<Report>,
    /// The worker's memory and its limit, in MiB, every few seconds.
    curve: Vec<(f64, f64)>,
    /// What operators were answered.
    answers: Vec<Answer>,
}

/// What an operator was answered.
struct Answer {
    /// How long it took.
    took: Duration,
    /// How long ago each joined member was heard at its port last.
    heard: Vec<Duration>,
}

impl Answer {
    /// None came, or it says nothing.
    fn none() -> Self {
        Answer {
            took: Duration::MAX,
            heard: Vec::new(),
        }
    }

    /// From a cluster's status, and the seconds that it took in the last line.
    fn read(said: &str) -> Option<Self> {
        let (status, took) = said.rsplit_once('\n')?;
        let status: serde_json::Value = serde_json::from_str(status).ok()?;
        let members = status.get("members")?.as_array()?;
        let joined = members
            .iter()
            .filter(|member| member["state"] == "joined")
            .filter_map(|member| member["sightings"].as_array());
        let heard = joined
            .flatten()
            .filter(|sighting| sighting["witness"] == "announce")
            .filter_map(|sighting| sighting["age_seconds"].as_f64());
        Some(Answer {
            took: Duration::try_from_secs_f64(took.trim().parse().ok()?).ok()?,
            heard: heard
                .filter_map(|age| Duration::try_from_secs_f64(age).ok())
                .collect(),
        })
    }
}

/// The least, the middle and the most of these.
fn spread(mut times: Vec<Duration>) -> Option<[Duration; 3]> {
    times.sort();
    let middle = times.get(times.len() / 2)?;
    Some([*times.first()?, *middle, *times.last()?])
}

/// All attacks, while members come and go and operators ask.
fn under_attack(
    world: &World,
    deployment: &Deployment<'_>,
    worker: &Worker,
    hostile: &[Task],
) -> Seen {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let again = |pause: u64, mut look: Box<dyn FnMut() + Send>| {
            let over = &over;
            move || {
                while !over.load(Ordering::Relaxed) {
                    look();
                    thread::sleep(Duration::from_millis(pause));
                }
            }
        };
        let stop = Stop(&|| {
            over.store(true, Ordering::Relaxed);
            for task in hostile {
                if let Err(why) = deployment.stack().exec(task, &["touch", STOP]) {
                    eprintln!("  {task} could not be told to end: {why}");
                }
            }
        });
        let attacks: Vec<_> = hostile
            .iter()
            .map(|task| scope.spawn(move || attack(world, deployment, worker, task)))
            .collect();
        let (curve, memory) = channel();
        let look = move || _ = curve.send(worker.memory());
        scope.spawn(again(2_000, Box::new(look)));
        let (asked, answers) = channel();
        let look = move || _ = asked.send(worker.asked(deployment));
        scope.spawn(again(500, Box::new(look)));
        acts(deployment);
        drop(stop);
        let attacks = attacks.into_iter();
        Seen {
            attacks: attacks
                .map(|attack| attack.join().expect("it reports"))
                .collect(),
            curve: memory.iter().collect(),
            answers: answers.iter().collect(),
        }
    })
}

/// Whatever becomes of the story, the hostile ones are told to end.
struct Stop<'a>(&'a dyn Fn());

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0();
    }
}

/// Two members come, and go again, and one is replaced; and each time it is one cluster.
fn acts(deployment: &Deployment<'_>) {
    let act = |what: &str, began: Instant| {
        eprintln!("  {what}: {:.1} s", began.elapsed().as_secs_f32());
    };
    let stack = deployment.stack();
    let service = Redis.service();
    let began = Instant::now();
    stack.scale(service, 5).expect("Swarm takes it");
    deployment.becomes_one(5);
    act("3=>5", began);
    let began = Instant::now();
    stack.scale(service, 3).expect("Swarm takes it");
    deployment.settles(3);
    deployment.becomes_one(3);
    act("5=>3", began);
    let began = Instant::now();
    let victim = deployment.members().remove(0);
    stack.kill_container(&victim).expect("it can be killed");
    deployment.wait("its successor", || {
        let now = deployment.members();
        let fresh = now.len() == 3 && now.iter().all(|task| task.id != victim.id);
        fresh.then_some(()).ok_or(format!("{now:?}"))
    });
    deployment.becomes_one(3);
    act("a killed one is back", began);
    deployment.all_there(RECORDS);
}

/// The worker's container, as it was before anybody did harm.
struct Worker {
    task: Task,
    docker: Docker,
    container: String,
    address: Ipv4Addr,
    started: String,
}

impl Worker {
    fn of(deployment: &Deployment<'_>) -> Worker {
        let running = deployment.stack().running("meshworker");
        let running = running.expect("the manager answers");
        let task = running.into_iter().next().expect("a worker runs");
        let (docker, container) = deployment
            .stack()
            .locate(&task)
            .expect("its engine answers");
        let mut worker = Worker {
            address: task.address().expect("it has an address"),
            started: String::new(),
            container,
            docker,
            task,
        };
        worker.started = worker.state();
        worker
    }

    /// Since when it runs, and whether it was ended for want of memory.
    fn state(&self) -> String {
        let what = "{{.State.StartedAt}} {{.State.OOMKilled}}";
        let asked = self
            .docker
            .run(["inspect", "--format", what, &self.container]);
        asked.expect("its container is there").trim().to_owned()
    }

    /// What it has in memory now, and what it may have, by its control group, in MiB.
    fn memory(&self) -> (f64, f64) {
        let ask = [
            "stats",
            "--no-stream",
            "--format",
            "{{.MemUsage}}",
            &self.container,
        ];
        let said = self.docker.run(ask).unwrap_or_default();
        let parts = said.trim().split_once(" / ");
        parts.map_or((f64::NAN, f64::NAN), |(now, most)| {
            (mebibytes(now), mebibytes(most))
        })
    }

    /// What an operator is answered who asks for the cluster's status.
    fn asked(&self, deployment: &Deployment<'_>) -> Answer {
        let cluster = deployment.stack().full(Redis.service());
        let url = format!("http://{}:4748/v1/clusters/{cluster}", self.address);
        let write = "\n%{time_total}";
        let ask = ["curl", "-sf", "-m", "60", "-w", write, &url];
        let said = deployment.tools().ask(&ask).map(|output| output.stdout);
        let answer = said.ok().and_then(|said| Answer::read(&said));
        answer.unwrap_or_else(Answer::none)
    }

    fn is_the_same_within_its_limit(&self, deployment: &Deployment<'_>, curve: &[(f64, f64)]) {
        let used: Vec<_> = curve.iter().map(|(used, _)| used).collect();
        eprintln!("  the worker's memory, in MiB: {used:?}");
        let most = curve.iter().map(|(used, _)| *used).fold(0.0, f64::max);
        let limit = curve.iter().map(|(_, limit)| *limit).fold(0.0, f64::max);
        eprintln!("  at most {most} of {limit}");
        let running = deployment.stack().running("meshworker");
        let running = running.expect("the manager answers");
        let ids: Vec<_> = running.iter().map(|task| &task.id).collect();
        assert_eq!(ids, [&self.task.id], "it is another one");
        assert_eq!(self.state(), self.started);
        assert!(most > 0.0 && most < limit, "{most} of {limit}");
    }
}

/// A size as Docker writes it.
fn mebibytes(text: &str) -> f64 {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(number.len()..) {
        Some("GiB") => 1024.0,
        Some("KiB") => 1.0 / 1024.0,
        _ => 1.0,
    };
    number
        .parse::<f64>()
        .map_or(f64::NAN, |number| number * unit)
}

/// All attacks of one container, until it is told to end.
fn attack(world: &World, deployment: &Deployment<'_>, worker: &Worker, task: &Task) -> Report {
    let stack = deployment.stack();
    stack
        .copy_into(task, world.hostile_binary(), PROGRAM)
        .expect("it can be copied");
    let own = task.address().expect("it has an address").to_string();
    let at = worker.address.to_string();
    let members: Vec<String> = deployment
        .members()
        .iter()
        .filter_map(Task::address)
        .map(|a| a.to_string())
        .collect();
    let cluster = stack.full("redis");
    let mut command = vec![
        PROGRAM,
        "--own",
        &own,
        "--worker",
        &at,
        "--cluster",
        &cluster,
        "--seconds",
        SECONDS,
    ];
    for member in &members {
        command.extend(["--member", member]);
    }
    let said = stack.exec(task, &command).expect("it does what it can");
    serde_json::from_str(said.trim()).expect("its report is one line of JSON")
}

/// How often what was answered, in a few words.
fn told(report: &Report) -> String {
    let heard: BTreeMap<_, _> = report
        .heard
        .iter()
        .map(|(trap, words)| {
            let words: String = words.chars().take(80).collect();
            (trap, words)
        })
        .collect();
    format!(
        "{:?}; came {:?}; heard {heard:?}",
        report.answers, report.came
    )
}

/// That nothing was granted, and nothing heard that is a secret.
fn in_vain(reports: &[Report]) {
    let only = |attack: &str, allowed: &[&str]| {
        let answers = reports
            .iter()
            .filter_map(|report| report.answers.get(attack));
        let answers: BTreeSet<&str> = answers
            .flat_map(BTreeMap::keys)
            .map(String::as_str)
            .collect();
        let granted = answers.iter().find(|answer| !allowed.contains(answer));
        assert_eq!(granted, None, "{attack}: {answers:?}");
        assert!(answers.contains(allowed[0]), "{attack}: {answers:?}");
    };
    // Some are cut before they are answered: there are more than there are places.
    only("another host", &["421", "429", "nothing"]);
    only("another host's order", &["421", "429", "nothing"]);
    only("another site", &["403", "429", "nothing"]);
    only("an order without a token", &["401", "429", "nothing"]);
    only("an order with another token", &["401", "429", "nothing"]);
    only("a drain without a token", &["401", "429", "nothing"]);
    for announced in [
        "announces itself",
        "announces a member",
        "announces garbage",
    ] {
        only(announced, &["400", "nothing"]);
    }
    for command in ["meets", "forgets", "asks"] {
        only(command, &["-NOAUTH", "nothing"]);
    }
    only("guesses", &["-WRONGPASS", "nothing"]);
    for file in SECRETS {
        let secret = std::fs::read_to_string(World::root().join("secrets").join(file));
        let secret = secret.expect("the stack's example is there");
        for (trap, words) in reports.iter().flat_map(|report| &report.heard) {
            assert!(!words.contains(secret.trim()), "{trap} heard {file}");
        }
    }
}
