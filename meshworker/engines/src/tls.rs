//! Encrypted connections: the certificates that are trusted, and ours.

mod expiry;

use std::fmt;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use meshworker_core::Told;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use crate::Tls;
use crate::outside::{Parser, parser};
use crate::small_file::{LONGEST_PEM, read_bytes};

/// A file with certificates and a key, as one of the parsers of bytes from outside.
pub(crate) const CERTIFICATES: Parser = parser("certificates", |bytes| {
    let chain = match certificates_in(bytes) {
        Ok(chain) => chain,
        Err(why) => return vec![why],
    };
    // Whose they are, and until when, is read by hand.
    let order = out_of_order(&chain).map(|number| number.to_string());
    let ends = ends(&chain).map(|ends| format!("{ends:?}"));
    let key = private_key_in(bytes).err();
    order.into_iter().chain(ends).chain(key).collect()
});

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

/// How long the system's certificates are taken as they were read: they are many
/// files, and change with an update of the system.
const SYSTEM_FOR: Duration = Duration::from_secs(600);

/// The most configurations that are kept: each cluster has one, and each command.
const MOST_KEPT: usize = 64;

/// Whoever is less than this from its end is told of.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);

/// What was read, and what must still be so for it to hold.
struct Kept {
    tls: Tls,
    files: Vec<Option<Stamp>>,
    read: Instant,
    connector: TlsConnector,
}

/// What changes when a file does: also one that is put in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    length: u64,
    modified: SystemTime,
}

static KEPT: Mutex<Vec<Kept>> = Mutex::new(Vec::new());

/// What it takes to encrypt a connection. The files are looked at for each, and
/// read anew when one has changed, so that renewed certificates take effect
/// without a restart.
///
/// # Errors
///
/// Names the file that cannot be used.
pub fn connector(tls: &Tls) -> Result<TlsConnector, TlsError> {
    let files: Vec<Option<Stamp>> = files(tls).map(stamp).collect();
    let is_fresh = |kept: &&Kept| {
        let system = tls.ca_file.is_none() && kept.read.elapsed() >= SYSTEM_FOR;
        kept.tls == *tls && kept.files == files && !system && !files.contains(&None)
    };
    let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept().iter().find(is_fresh) {
        return Ok(known.connector.clone());
    }
    let connector = read(tls)?;
    let mut all = kept();
    all.retain(|known| known.tls != *tls);
    if all.len() >= MOST_KEPT {
        all.remove(0);
    }
    all.push(Kept {
        tls: tls.clone(),
        files,
        read: Instant::now(),
        connector: connector.clone(),
    });
    Ok(connector)
}

/// The same for whoever takes a configuration. Where nothing is encrypted nobody is
/// trusted, and the system's certificates need not be there.
///
/// # Errors
///
/// Names the file that cannot be used.
pub fn config(tls: Option<&Tls>) -> Result<ClientConfig, TlsError> {
    match tls {
        Some(tls) => Ok(ClientConfig::clone(connector(tls)?.config())),
        None => Ok(
            ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth(),
        ),
    }
}

fn files(tls: &Tls) -> impl Iterator<Item = &Path> {
    let client = tls
        .client
        .iter()
        .flat_map(|(certificate, key)| [certificate, key]);
    tls.ca_file.iter().chain(client).map(PathBuf::as_path)
}

fn stamp(file: &Path) -> Option<Stamp> {
    let about = std::fs::metadata(file).ok()?;
    Some(Stamp {
        inode: about.ino(),
        length: about.len(),
        modified: about.modified().ok()?,
    })
}

fn read(tls: &Tls) -> Result<TlsConnector, TlsError> {
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
            let key = private_key(key)?;
            config.with_client_auth_cert(chain, key)?
        }
        None => config.with_no_client_auth(),
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// A certificate of ours, or one that we trust, that is of no use any more, or
/// will not be for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiring {
    /// The file that it is in.
    pub file: PathBuf,
    /// The moment after which it is no longer valid.
    pub not_after: SystemTime,
    /// How long that is from now; none when it is over.
    pub left: Option<Duration>,
}

impl fmt::Display for Expiring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        const DAY: u64 = 24 * 3600;
        match self.left {
            Some(left) => write!(f, "{file} expires in {} days", left.as_secs() / DAY),
            None => write!(f, "{file} has expired"),
        }
    }
}

/// The certificates in the configured files that have expired, or will within two
/// weeks. Files that cannot be read are no matter of this.
pub fn expiring(tls: &Tls, now: SystemTime) -> Vec<Expiring> {
    let own = tls.client.iter().map(|(certificate, _)| certificate);
    let files = tls.ca_file.iter().chain(own);
    let mut found = Vec::new();
    for file in files {
        let ends = certificates(file).unwrap_or_default();
        let ends = ends.iter().filter_map(|one| expiry::not_after(one));
        let Some(not_after) = ends.min() else {
            continue;
        };
        let left = not_after.duration_since(now).ok();
        if left.is_none_or(|left| left < SOON) {
            found.push(Expiring {
                file: file.clone(),
                not_after,
                left,
            });
        }
    }
    found
}

/// The moment after which one of these certificates is no longer valid; none when
/// none of them can be read.
pub fn ends(chain: &[CertificateDer<'_>]) -> Option<SystemTime> {
    chain.iter().filter_map(|one| expiry::not_after(one)).min()
}

/// The number, counted from 1, of the first certificate that the next one did not
/// sign: a chain begins with the own one, and each is followed by who signed it.
pub fn out_of_order(chain: &[CertificateDer<'_>]) -> Option<usize> {
    let names = chain.iter().map(|one| expiry::issuer_and_subject(one));
    let names: Vec<_> = names.collect();
    let wrong = names.windows(2).position(|pair| match pair {
        [Some((issuer, _)), Some((_, subject))] => issuer != subject,
        _ => false,
    });
    wrong.map(|at| at + 1)
}

/// Why a connection was not encrypted, in words that name an expired certificate
/// of ours, if there is one.
pub fn failed(tls: &Tls, error: &dyn fmt::Display) -> String {
    // A certificate's names are its owner's words.
    let error = Told::<500>::from(error.to_string());
    let mut said = format!("TLS: {error}");
    let expired = expiring(tls, SystemTime::now());
    for one in expired.iter().filter(|one| one.left.is_none()) {
        said.push_str(&format!("; {one}"));
    }
    said
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
    read_file(file, certificates_in)
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    read_file(file, private_key_in)
}

fn read_file<T>(file: &Path, what: fn(&[u8]) -> Result<T, String>) -> Result<T, TlsError> {
    let bytes = read_bytes(file, LONGEST_PEM).map_err(|why| why.to_string());
    bytes
        .and_then(|bytes| what(&bytes))
        .map_err(|why| TlsError::File {
            path: file.display().to_string(),
            why,
        })
}

/// The certificates among these bytes.
pub(crate) fn certificates_in(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let found = found.map_err(|why| told(&why))?;
    if found.is_empty() {
        return Err("found no certificate in it".into());
    }
    Ok(found)
}

/// The private key among these bytes.
pub(crate) fn private_key_in(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(bytes).map_err(|why| told(&why))
}

/// A reason may repeat what stands in the file.
fn told(why: &dyn fmt::Display) -> String {
    Told::<300>::from(why.to_string()).into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A self-signed certificate that is valid for so many days, and its key.
    fn made(dir: &Path, days: u32) -> (PathBuf, PathBuf) {
        let made = std::process::Command::new("openssl")
            .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split(' '))
            .args(["-subj", "/CN=node.test", "-days", &days.to_string()])
            .args("-keyout key.pem -out cert.pem".split(' '))
            .current_dir(dir)
            .output()
            .expect("openssl is installed");
        assert!(made.status.success(), "{made:?}");
        (dir.join("cert.pem"), dir.join("key.pem"))
    }

    fn of(certificate: &Path, key: &Path) -> Tls {
        Tls {
            ca_file: Some(certificate.to_owned()),
            client: Some((certificate.to_owned(), key.to_owned())),
            server_name: None,
        }
    }

    /// Each connection read all files, and the system's hundreds of certificates,
    /// on the one thread of all clusters.
    #[test]
    fn files_are_read_once_and_again_when_they_have_changed() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = made(dir.path(), 2);
        let tls = of(&certificate, &key);
        let config = || Arc::clone(connector(&tls).unwrap().config());
        let first = config();
        assert!(Arc::ptr_eq(&first, &config()));
        made(dir.path(), 3);
        let second = config();
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(Arc::ptr_eq(&second, &config()));
        std::fs::remove_file(&key).unwrap();
        assert!(matches!(connector(&tls), Err(TlsError::File { .. })));
    }

    #[test]
    fn a_certificate_near_its_end_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = made(dir.path(), 30);
        let tls = of(&certificate, &key);
        let now = SystemTime::now();
        const DAY: Duration = Duration::from_secs(24 * 3600);
        assert_eq!(expiring(&tls, now), vec![]);
        let told = |days| -> Vec<String> {
            let found = expiring(&tls, now + days * DAY);
            found.iter().map(ToString::to_string).collect()
        };
        let file = certificate.display();
        // The file is named for each part that it plays.
        assert_eq!(told(20), vec![format!("{file} expires in 9 days"); 2]);
        assert_eq!(told(31), vec![format!("{file} has expired"); 2]);
    }
}
