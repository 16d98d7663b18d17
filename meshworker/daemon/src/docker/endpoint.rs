//! Where the engine listens.

use std::path::{Path, PathBuf};

use meshworker_core::Told;
use meshworker_engines::Tls;
use meshworker_engines::tls::{self, TlsError};
use tokio_rustls::rustls::ClientConfig;

use super::DockerError;

const DEFAULT_SOCKET: &str = "unix:///var/run/docker.sock";

/// Where the engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A socket in the file system.
    Unix(String),
    /// HTTP without encryption: a filtering proxy in the same network.
    Http(String),
    /// HTTP with TLS and a client certificate.
    Tls {
        /// The address, as in `tcp://manager:2376`.
        host: String,
        /// The folder of `ca.pem`, `cert.pem` and `key.pem`.
        certificates: PathBuf,
    },
}

impl Endpoint {
    /// What `DOCKER_HOST`, `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH` say, as
    /// the docker command understands them; the usual socket without them.
    ///
    /// # Errors
    ///
    /// When `DOCKER_HOST` is of a kind that is not supported, or TLS is asked
    /// for and the certificates are nowhere.
    pub fn of_the_environment() -> Result<Endpoint, DockerError> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let certificates = variable("DOCKER_CERT_PATH").map(PathBuf::from);
        let home = std::env::home_dir().map(|home| home.join(".docker"));
        Endpoint::parse(
            variable("DOCKER_HOST").as_deref().unwrap_or(DEFAULT_SOCKET),
            variable("DOCKER_TLS_VERIFY").is_some(),
            certificates.or(home).as_deref(),
        )
    }

    /// An address as `DOCKER_HOST` has it. `tls` turns `tcp://` into TLS with
    /// the certificates of that folder.
    ///
    /// # Errors
    ///
    /// When the address is of a kind that is not supported, or TLS is asked for
    /// without a folder.
    pub fn parse(
        host: &str,
        tls: bool,
        certificates: Option<&Path>,
    ) -> Result<Endpoint, DockerError> {
        let refuse = |why: &str| DockerError::Endpoint {
            host: Told::<300>::from(host).into_string(),
            why: why.to_owned(),
        };
        let (scheme, rest) = host
            .split_once("://")
            .ok_or_else(|| refuse("not of the form unix://PATH or tcp://HOST:PORT"))?;
        match scheme {
            _ if rest.is_empty() => Err(refuse("names nobody")),
            "unix" => Ok(Endpoint::Unix(host.to_owned())),
            "https" | "tcp" if tls || scheme == "https" => Ok(Endpoint::Tls {
                host: host.to_owned(),
                certificates: certificates
                    .ok_or_else(|| refuse("set DOCKER_CERT_PATH to the certificates for TLS"))?
                    .to_owned(),
            }),
            "tcp" | "http" => Ok(Endpoint::Http(host.to_owned())),
            "ssh" => Err(refuse(
                "ssh is not supported: use the engine's socket, or tcp:// with TLS",
            )),
            _ => Err(refuse(
                "only unix://, tcp://, http:// and https:// are supported",
            )),
        }
    }

    /// The socket's path, where it is one.
    pub(super) fn socket(&self) -> Option<&str> {
        match self {
            Endpoint::Unix(host) => host.strip_prefix("unix://"),
            Endpoint::Http(_) | Endpoint::Tls { .. } => None,
        }
    }

    /// What every path follows.
    pub(super) fn base(&self) -> String {
        let bare = |host: &str| {
            let (_, rest) = host.split_once("://").unwrap_or(("", host));
            rest.trim_end_matches('/').to_owned()
        };
        match self {
            // It has no name, and is asked for one.
            Endpoint::Unix(_) => "http://localhost".to_owned(),
            Endpoint::Http(host) => format!("http://{}", bare(host)),
            Endpoint::Tls { host, .. } => format!("https://{}", bare(host)),
        }
    }

    /// Whom to trust, and who we are.
    ///
    /// # Errors
    ///
    /// A certificate cannot be read.
    pub(super) fn tls(&self) -> Result<ClientConfig, TlsError> {
        let Endpoint::Tls { certificates, .. } = self else {
            return tls::config(None);
        };
        let file = |name: &str| certificates.join(name);
        tls::config(Some(&Tls {
            ca_file: Some(file("ca.pem")),
            client: Some((file("cert.pem"), file("key.pem"))),
            server_name: None,
        }))
    }

    /// That nobody can be reached there.
    pub(super) fn unusable(&self, why: &str) -> DockerError {
        DockerError::Endpoint {
            host: Told::<300>::from(self.place()).into_string(),
            why: why.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(host: &str, tls: bool) -> Result<Endpoint, String> {
        Endpoint::parse(host, tls, Some(Path::new("/certs"))).map_err(|e| e.to_string())
    }

    #[test]
    fn each_kind_of_address_is_understood() {
        let tls = |host: &str| Endpoint::Tls {
            host: host.into(),
            certificates: "/certs".into(),
        };
        let cases = [
            (
                "unix:///run/docker.sock",
                false,
                Endpoint::Unix("unix:///run/docker.sock".into()),
            ),
            (
                "unix:///run/docker.sock",
                true,
                Endpoint::Unix("unix:///run/docker.sock".into()),
            ),
            (
                "tcp://proxy:2375",
                false,
                Endpoint::Http("tcp://proxy:2375".into()),
            ),
            (
                "http://proxy:2375",
                true,
                Endpoint::Http("http://proxy:2375".into()),
            ),
            ("tcp://manager:2376", true, tls("tcp://manager:2376")),
            ("https://manager:2376", false, tls("https://manager:2376")),
        ];
        for (host, with_tls, endpoint) in cases {
            assert_eq!(parse(host, with_tls), Ok(endpoint), "{host} {with_tls}");
        }
    }

    #[test]
    fn what_is_not_supported_is_refused_in_words() {
        let refused = |host| parse(host, false).unwrap_err();
        assert!(refused("ssh://user@manager").contains("ssh is not supported"));
        assert!(refused("npipe:////./pipe/docker_engine").contains("only unix://"));
        assert!(refused("/var/run/docker.sock").contains("not of the form"));
        assert!(refused("unix://").contains("names nobody"));
        let without = Endpoint::parse("tcp://manager:2376", true, None);
        assert!(
            without
                .unwrap_err()
                .to_string()
                .contains("DOCKER_CERT_PATH")
        );
    }
}
