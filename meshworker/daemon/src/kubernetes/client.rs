//! The API, asked on behalf of all clusters of this process.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::watch::Watch;
use super::wire::Wire;
use super::{Account, KubernetesError, PodList, Pods, StatefulSet};

/// So many pods are in a page: each takes some ten kilobytes of it.
const PAGE: usize = 50;

/// For how long one watch may be under way, in seconds, before it is begun anew from where it
/// was.
const WATCH: u64 = 300;

/// For how long one answer that has an end may take. Whoever asks for a report waits for less.
const PATIENCE: Duration = Duration::from_secs(10);

/// The client of this process, as long as anybody uses it.
static SHARED: Mutex<Weak<KubernetesClient>> = Mutex::new(Weak::new());

/// The API, asked as one account.
pub struct KubernetesClient {
    account: Account,
    /// None before the first request and after each failure, so that whatever has changed in
    /// the account's files takes effect.
    connection: tokio::sync::Mutex<Option<Connection>>,
}

#[derive(Clone)]
struct Connection {
    wire: Wire,
    namespace: String,
}

impl KubernetesClient {
    /// A client with this account. Nothing is sent yet.
    pub fn new(account: Account) -> KubernetesClient {
        KubernetesClient {
            account,
            connection: tokio::sync::Mutex::new(None),
        }
    }

    /// The one client of this process, with the account of this pod.
    ///
    /// # Errors
    ///
    /// This is no pod.
    pub fn shared() -> Result<Arc<KubernetesClient>, KubernetesError> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = shared.upgrade() {
            return Ok(client);
        }
        let client = Arc::new(KubernetesClient::new(Account::here()?));
        *shared = Arc::downgrade(&client);
        Ok(client)
    }

    /// The StatefulSet of this name.
    ///
    /// # Errors
    ///
    /// The API gave no answer, or there is none.
    pub(crate) async fn statefulset(&self, name: &str) -> Result<StatefulSet, KubernetesError> {
        self.get("apis/apps/v1", &format!("statefulsets/{name}"))
            .await
    }

    /// The pods of this StatefulSet, all of them, as of one version.
    ///
    /// # Errors
    ///
    /// The API gave no answer.
    pub(crate) async fn pods(
        &self,
        name: &str,
        set: &StatefulSet,
    ) -> Result<Pods, KubernetesError> {
        let selector = escaped(&set.spec.selector.query());
        let mut pods = Pods::of(name);
        let mut next = String::new();
        loop {
            let from = match next.as_str() {
                "" => String::new(),
                next => format!("&continue={}", escaped(next)),
            };
            let what = format!("pods?labelSelector={selector}&limit={PAGE}{from}");
            let page: PodList = self.get("api/v1", &what).await?;
            page.items.into_iter().for_each(|pod| pods.note(pod));
            if page.metadata.next.is_empty() {
                return Ok(pods.as_of(page.metadata.resource_version));
            }
            next = page.metadata.next;
        }
    }

    /// What happens to them from then on.
    ///
    /// # Errors
    ///
    /// The API gave no answer, or that version is too old.
    pub(crate) async fn watch(
        &self,
        set: &StatefulSet,
        pods: &Pods,
    ) -> Result<Watch, KubernetesError> {
        let selector = escaped(&set.spec.selector.query());
        let version = escaped(pods.version());
        let what = format!(
            "pods?labelSelector={selector}&watch=1&allowWatchBookmarks=true\
             &resourceVersion={version}&timeoutSeconds={WATCH}"
        );
        let Connection { wire, namespace } = self.connection().await?;
        let answer = wire.follow(&target("api/v1", &namespace, &what)).await;
        Ok(Watch::of(self.noted(answer).await?))
    }

    /// What the API answers to a question.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        group: &str,
        what: &str,
    ) -> Result<T, KubernetesError> {
        self.ask(group, what, None).await
    }

    /// What it answers; with a body, to a change.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        group: &str,
        what: &str,
        change: Option<String>,
    ) -> Result<T, KubernetesError> {
        let asking = async {
            let Connection { wire, namespace } = self.connection().await?;
            let target = target(group, &namespace, what);
            match change {
                Some(change) => wire.patch(&target, change).await,
                None => wire.get(&target).await,
            }
        };
        let answer = tokio::time::timeout(PATIENCE, asking).await;
        let answer = answer.unwrap_or(Err(KubernetesError::Timeout));
        let bytes = self.noted(answer).await?;
        serde_json::from_slice(&bytes).map_err(|why| KubernetesError::odd(&why))
    }

    async fn connection(&self) -> Result<Connection, KubernetesError> {
        let mut connection = self.connection.lock().await;
        if let Some(connection) = connection.as_ref() {
            return Ok(connection.clone());
        }
        let begun = Connection {
            wire: Wire::to(&self.account)?,
            namespace: self.account.namespace()?,
        };
        *connection = Some(begun.clone());
        Ok(begun)
    }

    /// After a failure everything is begun anew. Whoever waits no longer than it takes
    /// forgets what it was connected to by [`KubernetesClient::begin_anew`].
    async fn noted<T>(&self, answer: Result<T, KubernetesError>) -> Result<T, KubernetesError> {
        if answer.is_err() {
            self.begin_anew().await;
        }
        answer
    }

    /// Forgets whatever it was connected to.
    pub(crate) async fn begin_anew(&self) {
        *self.connection.lock().await = None;
    }
}

/// Where something of a namespace is.
fn target(group: &str, namespace: &str, what: &str) -> String {
    format!("/{group}/namespaces/{namespace}/{what}")
}

/// Fit to stand in a query.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}
