//! A load that counts what was acknowledged.
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::client::{Client, Members};
use meshworker_core::Place;

/// The pause of the writer and of the reader between two commands: the order
/// of things is tried, not how fast they are.
const PAUSE: Duration = Duration::from_millis(4);

/// Keys for a load: in a few slots, so that each of them takes a while to be
/// moved, and is written and read meanwhile.
pub fn keys(count: usize) -> Vec<String> {
    let key = |n| format!("{{{}}}:load:{n}", n % 40);
    (0..count).map(key).collect()
}

/// A writer and a reader, which go on until [`Load::end`].
pub struct Load {
    /// The members that clients may ask.
    pub members: Members,
    records: Arc<Vec<Record>>,
    stop: Arc<AtomicBool>,
    writer: JoinHandle<(usize, Duration)>,
    reader: JoinHandle<usize>,
}

struct Record {
    key: String,
    /// The value that was acknowledged last; each is greater than the one
    /// before it.
    acknowledged: AtomicUsize,
}

impl Load {
    /// Writes all these keys once, and goes on with writing and reading them.
    pub async fn begin(members: &[Place], keys: Vec<String>) -> Load {
        let members = Arc::new(Mutex::new(members.to_vec()));
        let mut client = Client::new(members.clone(), None);
        let mut records = Vec::new();
        for key in keys {
            client.call(&["SET", &key, "1"]).await;
            let acknowledged = 1.into();
            records.push(Record { key, acknowledged });
        }
        let records = Arc::new(records);
        let stop = Arc::new(AtomicBool::new(false));
        let writer = tokio::spawn({
            let (records, stop) = (records.clone(), stop.clone());
            async move {
                let (mut writes, mut longest) = (0, Duration::ZERO);
                while writes == 0 || !stop.load(Ordering::SeqCst) {
                    let Record { key, acknowledged } = &records[writes * 7919 % records.len()];
                    let value = acknowledged.load(Ordering::SeqCst) + 1;
                    let begin = Instant::now();
                    let said = client.call(&["SET", key, &value.to_string()]).await;
                    assert_eq!(said.as_deref(), Some("OK"));
                    longest = longest.max(begin.elapsed());
                    acknowledged.store(value, Ordering::SeqCst);
                    writes += 1;
                    sleep(PAUSE).await;
                }
                (writes, longest)
            }
        });
        let mut client = Client::new(members.clone(), None);
        let reader = tokio::spawn({
            let (records, stop) = (records.clone(), stop.clone());
            async move {
                let mut reads = 0;
                while reads == 0 || !stop.load(Ordering::SeqCst) {
                    let Record { key, acknowledged } = &records[reads * 6101 % records.len()];
                    let least = acknowledged.load(Ordering::SeqCst);
                    let value = client.call(&["GET", key]).await;
                    let value = value.and_then(|value| value.parse::<usize>().ok());
                    assert!(
                        value.is_some_and(|value| value >= least),
                        "{key}: {least} was acknowledged, {value:?} is read"
                    );
                    reads += 1;
                    sleep(PAUSE).await;
                }
                reads
            }
        });
        Load {
            members,
            records,
            stop,
            writer,
            reader,
        }
    }

    /// This member is about to stop: clients are told by its closed port at the
    /// latest.
    pub fn without(&self, node: Place) {
        self.members.lock().unwrap().retain(|other| *other != node);
    }

    /// Ends both, and checks that everything that was acknowledged is there.
    pub async fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        let (writes, longest) = self.writer.await.unwrap();
        let reads = self.reader.await.unwrap();
        eprintln!("{writes} writes, {reads} reads, longest stall {longest:?}");
        let mut client = Client::new(self.members, None);
        let mut lost = Vec::new();
        for Record { key, acknowledged } in self.records.iter() {
            let newest = acknowledged.load(Ordering::SeqCst).to_string();
            let value = client.call(&["GET", key]).await;
            if value.as_ref() != Some(&newest) {
                lost.push((key, newest, value));
            }
        }
        assert!(lost.is_empty(), "{} lost: {lost:?}", lost.len());
    }
}
