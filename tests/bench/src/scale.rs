//! Requests, time and memory with ever more members.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use crate::figure::{Figure, Section, millis, short};
use crate::stage::Stage;
use crate::worker::{Line, Worker};

const SIZES: [usize; 6] = [3, 10, 30, 100, 300, 1000];

/// How many passes at rest are counted.
const IDLE_PASSES: usize = 4;

const HOW: &str = "\
That many members start as clusters of one each, in one process with a shared
simulated world; then the worker starts, with DNS alone. *Round trips* and *tips*
are counted by the members. A round trip carries all commands for one member's view.
*To one* is the time from the worker's start until it has seen one cluster; a tip
takes 1.1 s to have its effect. The passes at rest are counted once it is calm.";

/// What one size gave.
struct Sample {
    members: usize,
    to_one: Duration,
    joining_passes: usize,
    longest_pass: f64,
    tips: u64,
    joining_trips: u64,
    idle_trips: f64,
    idle_commands: f64,
    idle_tips: u64,
    idle_pass: f64,
    idle_processor: f64,
    resident: f64,
    peak: f64,
}

/// Measures every size.
///
/// # Errors
///
/// When a cluster does not become one.
pub async fn measure(program: &Path) -> Result<Section> {
    let mut samples = Vec::new();
    for (number, members) in SIZES.into_iter().enumerate() {
        let sample = sample(program, members, 30 + number as u8).await?;
        eprintln!("  {}", sample.row().join(", "));
        samples.push(sample);
    }
    let mut table = vec![heads()];
    table.extend(samples.iter().map(Sample::row));
    let mut figures = Vec::new();
    if let (Some(least), Some(most)) = (samples.first(), samples.last()) {
        let each = |sample: &Sample| sample.idle_trips / sample.members as f64;
        let many = most.members;
        let few = least.members;
        figures = vec![
            Figure::new(
                format!(
                    "round trips per member and idle pass, {many} members ({few}: {})",
                    short(each(least))
                ),
                each(most),
                each(least),
                "",
            ),
            Figure::new(
                format!("longest pass, {many} members"),
                most.longest_pass / 1000.0,
                1.0,
                "s",
            ),
            Figure::new(
                format!("resident memory at most, {many} members"),
                most.peak,
                25.0,
                "MB",
            ),
        ];
    }
    Ok(Section {
        title: "Many members",
        only: "scale",
        how: HOW.into(),
        figures,
        table,
    })
}

fn heads() -> Vec<String> {
    [
        "members",
        "to one",
        "passes until then",
        "longest pass",
        "tips",
        "tips per join",
        "round trips until one",
        "round trips per idle pass",
        "commands per idle pass",
        "tips at rest",
        "idle pass",
        "processor per idle pass",
        "resident",
        "at most",
    ]
    .map(String::from)
    .to_vec()
}

impl Sample {
    fn row(&self) -> Vec<String> {
        vec![
            self.members.to_string(),
            format!("{:.1} s", self.to_one.as_secs_f64()),
            self.joining_passes.to_string(),
            format!("{} ms", short(self.longest_pass)),
            self.tips.to_string(),
            format!("{:.3}", self.tips as f64 / (self.members - 1) as f64),
            self.joining_trips.to_string(),
            short(self.idle_trips),
            short(self.idle_commands),
            self.idle_tips.to_string(),
            format!("{} ms", short(self.idle_pass)),
            format!("{} ms", short(self.idle_processor)),
            format!("{:.1} MB", self.resident),
            format!("{:.1} MB", self.peak),
        ]
    }
}

async fn sample(program: &Path, members: usize, network: u8) -> Result<Sample> {
    let mut stage = Stage::new([network, 0], false).await?;
    stage.populate(members).await?;
    reset(&stage);
    let mut arguments = stage.arguments();
    arguments.extend(["--verbose".into(), "--interval=1".into()]);

    let began = Instant::now();
    let mut worker = Worker::start(program, &arguments, &[])?;
    let mut passes: Vec<f64> = Vec::new();
    let one = worker
        .line(Duration::from_secs(90), "all are one", |line| {
            passes.extend(took(line));
            line.says_one()
        })
        .await?;
    let joining = Counted::of(&stage);
    let joining_passes = passes.len() + 1;

    let within = Duration::from_secs(30);
    let calm = |line: &Line| line.says_pass() && line.text("pace") == "Calm";
    for _ in 0..2 {
        let pass = worker.line(within, "it is calm", calm).await?;
        passes.extend(took(&pass));
    }
    reset(&stage);
    let before = worker.processor()?;
    let mut idle_pass = 0.0;
    for _ in 0..IDLE_PASSES {
        let pass = worker
            .line(within, "it looks again", Line::says_pass)
            .await?;
        idle_pass += pass.number("took_ms") / IDLE_PASSES as f64;
        passes.extend(took(&pass));
    }
    let processor = worker.processor()? - before;
    let idle = Counted::of(&stage);
    let (resident, peak) = worker.memory()?;
    Ok(Sample {
        members,
        to_one: one.at - began,
        joining_passes,
        longest_pass: passes.into_iter().fold(0.0, f64::max),
        tips: joining.tips,
        joining_trips: joining.trips,
        idle_trips: idle.trips as f64 / IDLE_PASSES as f64,
        idle_commands: idle.commands as f64 / IDLE_PASSES as f64,
        idle_tips: idle.tips,
        idle_pass,
        idle_processor: millis(processor) / IDLE_PASSES as f64,
        resident,
        peak,
    })
}

fn took(line: &Line) -> Option<f64> {
    line.says_pass().then(|| line.number("took_ms"))
}

fn reset(stage: &Stage) {
    for node in &stage.nodes {
        node.reset_counts();
    }
}

/// What all members together were asked.
#[derive(Default)]
struct Counted {
    trips: u64,
    commands: u64,
    tips: u64,
}

impl Counted {
    fn of(stage: &Stage) -> Counted {
        let mut sum = Counted::default();
        for counts in stage.nodes.iter().map(|node| node.counts()) {
            sum.trips += counts.round_trips;
            sum.commands += counts.commands.values().sum::<u64>();
            sum.tips += counts.of("tip");
        }
        sum
    }
}
