//! How members and workers prove to each other that they know the same token,
//! without any of it on the wire.
//!
//! ```text
//! token ── HKDF-SHA256 ──> key of a certificate authority ── signs ──> the process's own certificate
//!       └─ HKDF-SHA256 ──> the authority's name: says which token is meant, and nothing of it
//! ```
//!
//! Both ends derive the same authority, so nothing is configured, stored or sent.
//! Each process makes itself a key and a certificate when it needs one, and both
//! sides of every connection must show theirs, in TLS 1.3: what a token's holder
//! says reaches another holder of it alone, and cannot be said again by others.

mod authority;
mod call;
mod door;
mod papers;

use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, ring};

pub use authority::{Among, Authority, Unusable};
pub use call::{Call, Unproved};
pub use door::{Door, server_config};
pub use papers::Papers;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
