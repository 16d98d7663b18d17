//! Encrypted connections: the certificates that are trusted, and ours.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use crate::Tls;

/// The files for an encrypted connection cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds no certificate or key.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// No certificate is trusted at all.
    #[error("no CA certificate to trust: give a CA file, or install the system's")]
    NoCa,
    /// The expected name is not one.
    #[error("server name '{0}' is not a host name")]
    Name(String),
    /// The certificate and the key do not fit, or the library refuses them.
    #[error("{0}")]
    Config(#[from] rustls::Error),
}

/// What it takes to encrypt one connection. The files are read here, for each
/// connection anew, so that renewed certificates take effect without a restart.
///
/// # Errors
///
/// Names the file that cannot be used.
pub fn connector(tls: &Tls) -> Result<TlsConnector, TlsError> {
    let mut roots = RootCertStore::empty();
    match &tls.ca_file {
        Some(file) => {
            for certificate in certificates(file)? {
                roots.add(certificate)?;
            }
        }
        None => {
            // Single broken certificates in the system's store are its affair.
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
    }
    if roots.is_empty() {
        return Err(TlsError::NoCa);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let config = match &tls.client {
        Some((certificate, key)) => {
            let chain = certificates(certificate)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::File {
                path: key.display().to_string(),
                why: error.to_string(),
            })?;
            config.with_client_auth_cert(chain, key)?
        }
        None => config.with_no_client_auth(),
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The name that the certificate of the node at this address must carry.
///
/// # Errors
///
/// The configured name is not a host name.
pub fn expected_name(tls: &Tls, node: IpAddr) -> Result<ServerName<'static>, TlsError> {
    match &tls.server_name {
        Some(name) => ServerName::try_from(name.clone()).map_err(|_| TlsError::Name(name.clone())),
        None => Ok(ServerName::from(node)),
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |why: String| TlsError::File {
        path: file.display().to_string(),
        why,
    };
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file)
        .map_err(|error| failed(error.to_string()))?
        .collect();
    let found = found.map_err(|error| failed(error.to_string()))?;
    if found.is_empty() {
        return Err(failed("found no certificate in it".into()));
    }
    Ok(found)
}
