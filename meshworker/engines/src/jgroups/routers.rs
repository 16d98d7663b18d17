//! Who is registered with a gossip router, asked as members ask.

use std::sync::Arc;

use meshworker_core::Told;
use meshworker_gossip::{Name, Ping};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::NONE;
use super::detail::Registered;
use super::words::place;

/// Where routers listen.
const ROUTER_PORT: u16 = 12_001;

/// The longest answer: some thousand members with long names.
const LONGEST: usize = 4 << 20;

/// So many words a router may say before its answer.
const UNASKED: usize = 100;

/// Asks the router of this name; none where there is none.
///
/// # Errors
///
/// Why it gave no answer.
pub async fn ask(
    router: &str,
    group: &str,
    deadline: Instant,
) -> Result<Option<Arc<[Registered]>>, String> {
    if router == NONE {
        return Ok(None);
    }
    let at = match router.rsplit_once(':') {
        Some((_, port)) if port.parse::<u16>().is_ok() => router.to_owned(),
        _ => format!("{router}:{ROUTER_PORT}"),
    };
    let asked = async {
        let mut stream = TcpStream::connect(&at)
            .await
            .map_err(|why| why.to_string())?;
        let question = Ping::question(&Name::of(group));
        stream
            .write_all(&question)
            .await
            .map_err(|why| why.to_string())?;
        for _ in 0..UNASKED {
            let length = stream.read_i32().await.map_err(|why| why.to_string())?;
            let length = usize::try_from(length)
                .ok()
                .filter(|length| *length <= LONGEST);
            let length = length.ok_or("it says something of a strange length")?;
            let mut body = Vec::new();
            let mut whole = (&mut stream).take(length as u64);
            whole
                .read_to_end(&mut body)
                .await
                .map_err(|why| why.to_string())?;
            if let Some(pings) = Ping::answered(&body).map_err(|why| why.to_string())? {
                return Ok(pings.iter().map(registered).collect());
            }
        }
        Err("it says everything but an answer".to_owned())
    };
    let asked = timeout_at(deadline, asked).await;
    let asked = asked.unwrap_or_else(|_| Err("no answer before the deadline".to_owned()));
    asked
        .map(Some)
        .map_err(|why| format!("gossip router {at}: {}", Told::<200>::from(why)))
}

fn registered(ping: &Ping) -> Registered {
    Registered {
        node: ping.address.to_string(),
        name: ping.name.as_ref().map(Name::to_string).unwrap_or_default(),
        place: ping.at.as_ref().and_then(place),
    }
}
