//! The certificate that the server shows, when it has one.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use meshworker_engines::small_file::read_text;
use meshworker_engines::tls;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{Error, ServerConfig};
use tracing::{info, warn};

/// In bytes: a chain of a dozen certificates.
const LONGEST: u64 = 64 * 1024;

/// Whoever gets certificates by itself does so a month before they end, and people
/// need a few working days.
const SOON: Duration = Duration::from_secs(21 * DAY);
const DAY: u64 = 24 * 3600;

/// The certificate that the server shows, and its key. The files are looked at with
/// each connection, and read anew when one has changed: a renewed certificate takes
/// effect without a restart.
#[derive(Debug)]
pub struct Certificate {
    /// The setting that names its file.
    setting: &'static str,
    certificate: PathBuf,
    key: PathBuf,
    kept: Mutex<Kept>,
}

struct Kept {
    files: [Option<Stamp>; 2],
    acceptor: TlsAcceptor,
    /// When it is no longer valid; none when that cannot be read.
    ends: Option<SystemTime>,
}

/// What changes when a file does: also one that is put in its place.
type Stamp = (u64, u64, SystemTime);

impl Certificate {
    /// Reads a certificate chain and its key, both PEM.
    ///
    /// # Errors
    ///
    /// Which file cannot be used, and why; never what is in it.
    pub fn read(
        setting: &'static str,
        certificate: &Path,
        key: &Path,
    ) -> Result<Certificate, String> {
        Ok(Certificate {
            setting,
            kept: Mutex::new(read(setting, certificate, key)?),
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        })
    }

    /// What takes a connection in. Files that cannot be used any more change nothing.
    pub fn acceptor(&self) -> TlsAcceptor {
        let files = [&self.certificate, &self.key].map(|file| stamp(file));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.files != files {
            let setting = self.setting;
            match read(setting, &self.certificate, &self.key) {
                Ok(new) => {
                    *kept = new;
                    info!("{setting}: it has changed, and is shown from now on");
                }
                Err(why) => warn!("{setting}: it has changed, and the old one is kept: {why}"),
            }
            // What cannot be used is told once.
            kept.files = files;
        }
        kept.acceptor.clone()
    }

    /// When it is no longer valid; none when that cannot be read.
    pub fn ends(&self) -> Option<SystemTime> {
        // Whoever asks sees a new one, though nobody has connected since.
        self.acceptor();
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.ends
    }

    /// What people should know: that it has ended, or will within three weeks.
    pub fn warning(&self, now: SystemTime) -> Option<String> {
        let ends = self.ends()?;
        let (setting, file) = (self.setting, self.certificate.display());
        match ends.duration_since(now) {
            Err(_) => Some(format!(
                "{setting}: {file} has expired: clients refuse it; give another one, no \
                 restart is needed"
            )),
            Ok(left) if left < SOON => Some(format!(
                "{setting}: {file} expires in {} days; give another one, no restart is needed",
                left.as_secs() / DAY
            )),
            Ok(_) => None,
        }
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept(until {:?})", self.ends)
    }
}

fn stamp(file: &Path) -> Option<Stamp> {
    let about = std::fs::metadata(file).ok()?;
    Some((about.ino(), about.len(), about.modified().ok()?))
}

fn read(setting: &str, certificate: &Path, key: &Path) -> Result<Kept, String> {
    let files = [certificate, key].map(stamp);
    let unusable = |file: &Path, why: &dyn fmt::Display| format!("{}: {why}", file.display());
    let text = |file: &Path| read_text(file, LONGEST).map_err(|why| unusable(file, &why));
    let shown = text(certificate)?;
    let chain = CertificateDer::pem_slice_iter(shown.as_bytes());
    let chain = chain.collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|why| unusable(certificate, &why))?;
    if chain.is_empty() {
        return Err(unusable(certificate, &"it holds no certificate"));
    }
    let secret = PrivateKeyDer::from_pem_slice(text(key)?.as_bytes());
    let secret = secret.map_err(|why| unusable(key, &why))?;
    let order = tls::out_of_order(&chain);
    let ends = tls::ends(&chain);
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|why| why.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|why| match why {
            Error::InconsistentKeys(_) => unusable(
                key,
                &format!(
                    "it is not the key of the first certificate in {}; allowed: its key, and in that \
                     file the own certificate first, then who signed it",
                    certificate.display()
                ),
            ),
            why => unusable(key, &why),
        })?;
    if let Some(number) = order {
        warn!(
            "{setting}: {}: certificate {number} was not signed by the next one: some clients \
             refuse that; write the own one first, then who signed it, and so on",
            certificate.display()
        );
    }
    Ok(Kept {
        files,
        acceptor: TlsAcceptor::from(Arc::new(config)),
        ends,
    })
}
