//! A name server that misbehaves on demand.
//!
//! It listens on loopback, over UDP and TCP on one port of its own, and knows
//! only the names that it was told of. What it says to each of them is a
//! [`Behaviour`], which can be changed at any time.
//!
//! ```
//! # async fn example() -> std::io::Result<()> {
//! use fake_dns::{Behaviour, FakeDns};
//!
//! let server = FakeDns::start().await?;
//! server.set("db", Behaviour::answer(["10.0.1.2", "10.0.1.3"]));
//! // ... ask server.address() for db ...
//! server.set("db", Behaviour::ServFail);
//! # Ok(())
//! # }
//! ```

mod behaviour;
mod counts;
mod dice;
mod reply;
mod server;
mod zone;

pub use behaviour::{Behaviour, Tcp};
pub use counts::Counts;
pub use server::FakeDns;
