//! What it takes to reach a worker, encrypted or not.

use std::path::PathBuf;
use std::sync::Arc;

use meshworker_engines::Tls;
use meshworker_engines::tls::{self, TlsError};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Whom to trust: those in the file, or the system's. Where nothing is
/// encrypted nobody is, and the system's certificates need not be there.
pub(crate) fn config(encrypted: bool, ca_file: Option<PathBuf>) -> Result<ClientConfig, TlsError> {
    if !encrypted {
        let provider = Arc::new(ring::default_provider());
        return Ok(ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth());
    }
    let connector = tls::connector(&Tls {
        ca_file,
        client: None,
        server_name: None,
    })?;
    Ok(ClientConfig::clone(connector.config()))
}
