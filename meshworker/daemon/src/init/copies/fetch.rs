//! The end of a member that waits: fetches a copy of another one's data to its empty disk.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use meshworker_core::{Place, Start};
use meshworker_engines::Copying;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::super::around::Around;
use super::super::aside::put_aside;
use super::super::notes;
use super::program::Children;
use super::{FRAME, SILENCE, hear, say};
use crate::proof::Call;
use crate::words::dull;

/// After one that failed: what was wrong may be so still.
const PAUSE: Duration = Duration::from_secs(5);

/// The fetching of a copy, while there is one. It ends when this is dropped.
#[derive(Debug, Default)]
pub(in crate::init) struct Fetching(Option<JoinHandle<()>>);

impl Fetching {
    /// Begins, unless one is under way.
    pub(in crate::init) fn begin(&mut self, fetch: impl Future<Output = ()> + Send + 'static) {
        if self.0.is_none() {
            self.0 = Some(tokio::spawn(fetch));
        }
    }

    /// Once it has ended, however it did. May be cancelled.
    pub(in crate::init) async fn ended(&mut self) {
        match &mut self.0 {
            Some(task) => {
                let _ = task.await;
                self.0 = None;
            }
            None => std::future::pending().await,
        }
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

impl Around {
    /// What fetches a copy of the data at this place into a slot's directory. It says itself
    /// how it ended; what is on the disk then tells the worker.
    pub(in crate::init) fn fetch(
        &self,
        from: Place,
        copying: &Copying,
        data: &'static str,
        directory: &Path,
    ) -> impl Future<Output = ()> + Send + 'static {
        let copy = Copy {
            from: SocketAddr::new(from.address, self.settings.copies_port),
            call: Call::new(self.settings.token.clone(), Some(self.address)),
            cluster: self.cluster.name.clone(),
            unpack: program(copying.unpack),
            finish: program(copying.finish),
            data,
            directory: directory.to_owned(),
        };
        async move {
            info!("fetches the data of the member at {from}");
            match copy.fetch().await {
                Ok(()) => info!("has a whole copy of the data of the member at {from}"),
                Err(why) => {
                    let why = dull(&why.to_string()).into_owned();
                    warn!("no copy of the data of the member at {from}, begins anew: {why}");
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

fn program(words: &[&str]) -> Start {
    Start {
        arguments: words.iter().map(|&word| word.to_owned()).collect(),
        ..Start::default()
    }
}

/// One copy that is fetched.
pub(super) struct Copy {
    pub(super) from: SocketAddr,
    pub(super) call: Call,
    pub(super) cluster: String,
    pub(super) unpack: Start,
    pub(super) finish: Start,
    /// The name of the database's data in the slot's directory.
    pub(super) data: &'static str,
    pub(super) directory: PathBuf,
}

impl Copy {
    /// Fetches all of it, and only then gives it its name.
    pub(super) async fn fetch(&self) -> io::Result<()> {
        let connect = timeout(SILENCE, self.call.connect(self.from)).await;
        let mut stream = connect.map_err(silent)?.map_err(io::Error::other)?;
        say(&mut stream, &self.cluster).await?;
        let partial = self.directory.join(format!("{}.fetched", self.data));
        match fs::remove_dir_all(&partial) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            _ => fs::create_dir(&partial)?,
        }
        let children = Children::default();
        let streams = (Stdio::piped(), Stdio::null());
        let mut unpack = children.start(&self.unpack, &partial, streams)?;
        if let Some(input) = &mut unpack.input {
            receive(&mut stream, input).await?;
        }
        unpack.done().await?;
        let streams = (Stdio::null(), Stdio::null());
        let finish = children.start(&self.finish, &partial, streams)?;
        finish.done().await?;
        // What a start left behind that came to nothing.
        put_aside(&self.directory, self.data)?;
        fs::rename(&partial, self.directory.join(self.data))?;
        notes::settle(&self.directory)
    }
}

fn silent(_: tokio::time::error::Elapsed) -> io::Error {
    io::Error::other("nothing moved for a minute")
}

/// Passes a copy on to whoever unpacks it; good once it is whole.
async fn receive(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut tokio::net::unix::pipe::Sender,
) -> io::Result<()> {
    let mut frame = vec![0; FRAME];
    loop {
        let length = timeout(SILENCE, from.read_u32()).await.map_err(silent)??;
        if length == 0 {
            let why = timeout(SILENCE, hear(from)).await.map_err(silent)??;
            return match &*why {
                "" => Ok(()),
                why => Err(io::Error::other(format!("it says: {why}"))),
            };
        }
        let length = length as usize;
        let part = frame.get_mut(..length).ok_or_else(|| {
            io::Error::other(format!("found a part of {length} bytes; allowed: {FRAME}"))
        })?;
        let pass_on = async {
            from.read_exact(part).await?;
            to.write_all(part).await
        };
        timeout(SILENCE, pass_on).await.map_err(silent)??;
    }
}
