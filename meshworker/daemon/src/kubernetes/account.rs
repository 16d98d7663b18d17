//! Who this pod is to the API, and where that is.

use std::fs;
use std::path::PathBuf;

use meshworker_core::Told;
use meshworker_engines::Tls;

use super::KubernetesError;

/// The variable that Kubernetes sets in every container: where its API is.
///
/// Source: Kubernetes, "Accessing the Kubernetes API from a Pod".
pub const HOST: &str = "KUBERNETES_SERVICE_HOST";
const PORT: &str = "KUBERNETES_SERVICE_PORT";

/// Where a service account's token, the API's certificate authority and the pod's namespace
/// are mounted.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The longest token that is read, in bytes: a signed one has one or two thousand.
const LONGEST_TOKEN: u64 = 16 << 10;

/// Who this pod is to the API, and where that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The API's address, as in `https://10.96.0.1:443`.
    pub base: String,
    /// The folder with `token`, `ca.crt` and `namespace`.
    pub folder: PathBuf,
}

impl Account {
    /// That of this pod.
    ///
    /// # Errors
    ///
    /// This is no pod.
    pub fn here() -> Result<Account, KubernetesError> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let host = variable(HOST).ok_or_else(|| {
            KubernetesError::Account(format!("{HOST} is not set: this is no pod of Kubernetes"))
        })?;
        let host = match host.contains(':') {
            true => format!("[{host}]"),
            false => host,
        };
        let port = variable(PORT).unwrap_or_else(|| "443".to_owned());
        Ok(Account {
            base: format!("https://{host}:{port}"),
            folder: PathBuf::from(ACCOUNT),
        })
    }

    /// The namespace of this pod, where it may speak to the API.
    pub fn namespace_here() -> Option<String> {
        let own = Account {
            base: String::new(),
            folder: PathBuf::from(ACCOUNT),
        };
        own.token().ok().and_then(|_| own.namespace().ok())
    }

    /// The token, read anew each time: the kubelet renews it long before it expires.
    pub(super) fn token(&self) -> Result<String, KubernetesError> {
        self.file("token")
    }

    /// The namespace.
    pub(super) fn namespace(&self) -> Result<String, KubernetesError> {
        self.file("namespace")
    }

    /// Whom to trust.
    pub(super) fn tls(&self) -> Option<Tls> {
        self.base.starts_with("https://").then(|| Tls {
            ca_file: Some(self.folder.join("ca.crt")),
            client: None,
            server_name: None,
        })
    }

    fn file(&self, name: &str) -> Result<String, KubernetesError> {
        let path = self.folder.join(name);
        let refused = |why: &str| {
            let path = Told::<300>::from(path.display().to_string());
            KubernetesError::Account(format!("{path}: {why}"))
        };
        let length = fs::metadata(&path).map_err(|why| refused(&why.to_string()))?;
        if length.len() > LONGEST_TOKEN {
            return Err(refused("too long"));
        }
        let text = fs::read_to_string(&path).map_err(|why| refused(&why.to_string()))?;
        let text = text.trim();
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        match plain {
            true => Ok(text.to_owned()),
            false => Err(refused("found nothing, or more than one word")),
        }
    }
}
