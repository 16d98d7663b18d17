//! A client of the whole cluster.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::servers::PORT;
use meshworker_core::Place;

/// How long a command may take, all redirections and repetitions included.
const PATIENCE: Duration = Duration::from_secs(60);

/// More redirections in a row than any key needs: more are an endless circle.
const REDIRECTIONS: usize = 12;

/// The members that clients may ask; shared, since they come and go.
pub type Members = Arc<Mutex<Vec<Place>>>;

/// A client that follows redirections, and repeats what the cluster cannot
/// answer for the moment.
pub struct Client {
    members: Members,
    password: Option<String>,
    /// Where the members listen.
    pub port: u16,
    open: HashMap<Place, BufStream<TcpStream>>,
    last: Option<Place>,
}

/// What a node replied.
#[derive(Debug)]
enum Reply {
    Text(Option<String>),
    Moved(Place),
    Ask(Place),
    Later(String),
}

impl Client {
    pub fn new(members: Members, password: Option<String>) -> Client {
        Client {
            members,
            password,
            port: PORT,
            open: HashMap::new(),
            last: None,
        }
    }

    /// A client that begins with these members.
    pub fn of(members: impl IntoIterator<Item = Place>, password: Option<String>) -> Client {
        let members = members.into_iter().collect();
        Client::new(Arc::new(Mutex::new(members)), password)
    }

    /// Writes so many records under this prefix.
    pub async fn fill(&mut self, prefix: &str, count: usize) {
        for n in 0..count {
            let (key, value) = (format!("{prefix}:{n}"), format!("value:{n}"));
            let said = self.call(&["SET", &key, &value]).await;
            assert_eq!(said.as_deref(), Some("OK"), "{key}");
        }
    }

    /// How many of those records are not there.
    pub async fn missing(&mut self, prefix: &str, count: usize) -> usize {
        let mut missing = 0;
        for n in 0..count {
            let value = self.call(&["GET", &format!("{prefix}:{n}")]).await;
            missing += usize::from(value != Some(format!("value:{n}")));
        }
        missing
    }

    /// What this member itself answers to this command.
    pub async fn tell(&mut self, member: Place, words: &[&str]) -> String {
        match self.ask(member, words, false).await {
            Ok(Reply::Text(Some(text))) => text,
            other => panic!("{member}: {words:?}: {other:?}"),
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
            let known = self.members.lock().unwrap().clone();
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

    async fn ask(&mut self, at: Place, words: &[&str], asking: bool) -> Result<Reply, String> {
        let one = async {
            let stream = match self.open.entry(at) {
                Entry::Occupied(open) => open.into_mut(),
                Entry::Vacant(none) => {
                    let stream = TcpStream::connect(at.socket(self.port)).await?;
                    stream.set_nodelay(true)?;
                    let mut stream = BufStream::new(stream);
                    if let Some(password) = &self.password {
                        exchange(&mut stream, &["AUTH", password]).await?;
                    }
                    none.insert(stream)
                }
            };
            if asking {
                exchange(stream, &["ASKING"]).await?;
            }
            exchange(stream, words).await
        };
        match timeout(Duration::from_secs(5), one).await {
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
        Some(("+" | ":", text)) => Reply::Text(Some(text.into())),
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
