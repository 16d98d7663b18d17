//! What the tests share: a load that runs beside them.

use std::net::IpAddr;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

pub use aerospike_sim::testing::PATIENCE;
use meshworker_load::{DatabaseKind, Options, Phase, Report, run};
use tokio::sync::mpsc;
use tokio::time::timeout;

pub const RECORDS: u64 = 500;

pub fn options(database: DatabaseKind, seeds: &[IpAddr], port: u16, out: &Path) -> Options {
    let seeds = seeds.iter().map(|seed| format!("{seed}:{port}"));
    Options {
        database,
        phase: Phase::Run,
        seeds: seeds.map(|seed| seed.parse().unwrap()).collect(),
        password: None,
        records: RECORDS,
        rate: 200,
        namespace: "test".into(),
        out: out.to_owned(),
    }
}

/// A load that runs, in a thread of its own: tests block theirs.
pub struct Running {
    marks: mpsc::Sender<String>,
    reports: mpsc::UnboundedReceiver<Report>,
    done: JoinHandle<()>,
}

impl Running {
    pub async fn start(options: &Options) -> Self {
        let (marks, receive) = mpsc::channel(4);
        let (send, reports) = mpsc::unbounded_channel();
        let options = options.clone();
        let done = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let say = |report: &Report| {
                let _ = send.send(report.clone());
                Ok(())
            };
            let running = run(&options, receive, say);
            runtime.unwrap().block_on(running).unwrap();
        });
        let mut running = Self {
            marks,
            reports,
            done,
        };
        assert_eq!(running.next().await.mark, "begin");
        running
    }

    async fn next(&mut self) -> Report {
        let report = timeout(PATIENCE, self.reports.recv()).await;
        report.expect("no report came").expect("the load ended")
    }

    pub async fn mark(&mut self, name: &str) -> Report {
        self.marks.send(name.to_owned()).await.unwrap();
        let report = self.next().await;
        assert_eq!(report.mark, name);
        report
    }

    /// Waits until so many more writes were acknowledged.
    pub async fn goes_on(&mut self, writes: u64) -> Report {
        let before = self.mark("before").await;
        let mut last = before.clone();
        let more = async {
            while last.acknowledged < before.acknowledged + writes {
                tokio::time::sleep(Duration::from_millis(50)).await;
                last = self.mark("look").await;
            }
        };
        match timeout(PATIENCE, more).await {
            Ok(()) => last,
            Err(_) => panic!("{writes} more writes: last seen {last:?}"),
        }
    }

    pub async fn finish(mut self) -> Report {
        drop(self.marks);
        let report = timeout(PATIENCE, self.reports.recv()).await;
        self.done.join().unwrap();
        report.unwrap().unwrap()
    }
}
