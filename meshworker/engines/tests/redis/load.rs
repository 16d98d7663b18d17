//! A client of the whole cluster, and a load that counts what was acknowledged.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::servers::PORT;

/// How long a command may take, all redirections and repetitions included.
const PATIENCE: Duration = Duration::from_secs(30);

/// More redirections in a row than any key needs: more are an endless circle.
const REDIRECTIONS: usize = 12;

/// A client that follows redirections, and repeats what the cluster cannot
/// answer for the moment.
pub struct Client {
    nodes: Arc<Mutex<Vec<IpAddr>>>,
    open: HashMap<IpAddr, BufStream<TcpStream>>,
    last: Option<IpAddr>,
}

/// What a node replied.
enum Reply {
    Text(Option<String>),
    Moved(IpAddr),
    Ask(IpAddr),
    Later(String),
}

impl Client {
    pub fn new(nodes: Arc<Mutex<Vec<IpAddr>>>) -> Client {
        Client {
            nodes,
            open: HashMap::new(),
            last: None,
        }
    }

    /// The answer to this command: none for a key that does not exist.
    pub async fn call(&mut self, words: &[&str]) -> Option<String> {
        let begin = Instant::now();
        let mut seen = String::new();
        for turn in 0.. {
            assert!(
                begin.elapsed() < PATIENCE,
                "{words:?}: no answer, last seen: {seen}"
            );
            let known = self.nodes.lock().unwrap().clone();
            let mut at = match self.last.filter(|last| known.contains(last)) {
                Some(last) => last,
                None => known[turn % known.len()],
            };
            let mut asking = false;
            let mut redirections = 0;
            loop {
                match self.ask(at, words, asking).await {
                    Ok(Reply::Text(text)) => {
                        if !asking {
                            self.last = Some(at);
                        }
                        return text;
                    }
                    Ok(Reply::Moved(to)) => (at, asking) = (to, false),
                    Ok(Reply::Ask(to)) => (at, asking) = (to, true),
                    Ok(Reply::Later(why)) => {
                        seen = format!("{at}: {why}");
                        break;
                    }
                    Err(why) => {
                        seen = format!("{at}: {why}");
                        self.open.remove(&at);
                        break;
                    }
                }
                redirections += 1;
                assert!(redirections < REDIRECTIONS, "{words:?} goes in circles");
            }
            self.last = None;
            sleep(Duration::from_millis(5)).await;
        }
        None
    }

    async fn ask(&mut self, at: IpAddr, words: &[&str], asking: bool) -> Result<Reply, String> {
        let one = async {
            let stream = match self.open.entry(at) {
                Entry::Occupied(open) => open.into_mut(),
                Entry::Vacant(none) => {
                    let stream = TcpStream::connect(SocketAddr::new(at, PORT)).await?;
                    stream.set_nodelay(true)?;
                    none.insert(BufStream::new(stream))
                }
            };
            if asking {
                exchange(stream, &["ASKING"]).await?;
            }
            exchange(stream, words).await
        };
        match timeout(Duration::from_secs(2), one).await {
            Ok(reply) => reply.map_err(|error| error.to_string()),
            Err(_) => Err("silent".into()),
        }
    }
}

async fn exchange(stream: &mut BufStream<TcpStream>, words: &[&str]) -> std::io::Result<Reply> {
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request += &format!("${}\r\n{word}\r\n", word.len());
    }
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let line = line.trim_end();
    let place = || {
        let place = line.rsplit(' ').next()?;
        place.rsplit_once(':')?.0.parse().ok()
    };
    Ok(match line.split_at_checked(1) {
        Some(("+", text)) => Reply::Text(Some(text.into())),
        Some(("$", "-1")) => Reply::Text(None),
        Some(("$", size)) => {
            let mut text = vec![0; size.parse::<usize>().unwrap() + 2];
            stream.read_exact(&mut text).await?;
            text.truncate(text.len() - 2);
            Reply::Text(Some(String::from_utf8(text).unwrap()))
        }
        Some(("-", error)) if error.starts_with("MOVED ") => {
            place().map_or(Reply::Later(error.into()), Reply::Moved)
        }
        Some(("-", error)) if error.starts_with("ASK ") => {
            place().map_or(Reply::Later(error.into()), Reply::Ask)
        }
        Some(("-", error)) => Reply::Later(error.into()),
        _ => return Err(std::io::Error::other(format!("closed: {line}"))),
    })
}

/// A writer and a reader, which go on until [`Load::end`].
pub struct Load {
    /// The members that clients may ask.
    pub nodes: Arc<Mutex<Vec<IpAddr>>>,
    acknowledged: Arc<Vec<AtomicUsize>>,
    stop: Arc<AtomicBool>,
    writer: JoinHandle<(usize, Duration)>,
    reader: JoinHandle<usize>,
}

fn key(n: usize) -> String {
    format!("load:{n}")
}

impl Load {
    /// Writes all `keys` once, and goes on with writing and reading them.
    pub async fn begin(nodes: &[IpAddr], keys: usize) -> Load {
        let nodes = Arc::new(Mutex::new(nodes.to_vec()));
        let acknowledged: Arc<Vec<AtomicUsize>> = Arc::new((0..keys).map(|_| 0.into()).collect());
        let mut client = Client::new(nodes.clone());
        for (n, newest) in acknowledged.iter().enumerate() {
            client.call(&["SET", &key(n), "1"]).await;
            newest.store(1, Ordering::SeqCst);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let writer = tokio::spawn({
            let (newest, stop) = (acknowledged.clone(), stop.clone());
            async move {
                let (mut writes, mut longest) = (0, Duration::ZERO);
                while !stop.load(Ordering::SeqCst) {
                    let n = writes * 7919 % newest.len();
                    let value = newest[n].load(Ordering::SeqCst) + 1;
                    let begin = Instant::now();
                    let said = client.call(&["SET", &key(n), &value.to_string()]).await;
                    assert_eq!(said.as_deref(), Some("OK"));
                    longest = longest.max(begin.elapsed());
                    newest[n].store(value, Ordering::SeqCst);
                    writes += 1;
                }
                (writes, longest)
            }
        });
        let mut client = Client::new(nodes.clone());
        let reader = tokio::spawn({
            let (newest, stop) = (acknowledged.clone(), stop.clone());
            async move {
                let mut reads = 0;
                while !stop.load(Ordering::SeqCst) {
                    let n = reads * 6101 % newest.len();
                    let least = newest[n].load(Ordering::SeqCst);
                    let value = client.call(&["GET", &key(n)]).await;
                    let value = value.and_then(|value| value.parse::<usize>().ok());
                    assert!(
                        value.is_some_and(|value| value >= least),
                        "{}: {least} was acknowledged, {value:?} is read",
                        key(n)
                    );
                    reads += 1;
                }
                reads
            }
        });
        Load {
            nodes,
            acknowledged,
            stop,
            writer,
            reader,
        }
    }

    /// This member is about to stop: clients are told by its closed port at the
    /// latest.
    pub fn without(&self, node: IpAddr) {
        self.nodes.lock().unwrap().retain(|other| *other != node);
    }

    /// Ends both, and checks that everything that was acknowledged is there.
    pub async fn end(self) {
        assert!(!self.writer.is_finished() && !self.reader.is_finished());
        self.stop.store(true, Ordering::SeqCst);
        let (writes, longest) = self.writer.await.unwrap();
        let reads = self.reader.await.unwrap();
        eprintln!("{writes} writes, {reads} reads, longest stall {longest:?}");
        assert!(writes > 0 && reads > 0);
        let mut client = Client::new(self.nodes);
        let mut lost = Vec::new();
        for (n, newest) in self.acknowledged.iter().enumerate() {
            let newest = newest.load(Ordering::SeqCst).to_string();
            let value = client.call(&["GET", &key(n)]).await;
            if value.as_ref() != Some(&newest) {
                lost.push((key(n), newest, value));
            }
        }
        assert!(lost.is_empty(), "{} lost: {lost:?}", lost.len());
    }
}
