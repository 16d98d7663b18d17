//! The API, asked on behalf of all clusters of this process.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use meshworker_engines::quoted;
use serde::de::DeserializeOwned;

use super::watch::Watch;
use super::wire::Wire;
use super::{Account, KubernetesError, Listing, Pods, StatefulSet};

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
    /// None before the first request and after each failure to be answered, so that whatever
    /// has changed in the account's files takes effect.
    connection: tokio::sync::Mutex<Option<Connection>>,
    /// Held while a page of a list is read: after the API was away all clusters list anew.
    page: tokio::sync::Mutex<()>,
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
            page: tokio::sync::Mutex::new(()),
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

    /// Reads on in the list of this StatefulSet's pods, which is of one version, and says
    /// whether that was its end. After a failure it goes on from where it was, for as long as
    /// the API has that version. May be cancelled.
    ///
    /// # Errors
    ///
    /// The API gave no answer, or has that version no more.
    pub(crate) async fn read_on(
        &self,
        set: &StatefulSet,
        list: &mut Listing,
    ) -> Result<bool, KubernetesError> {
        let _turn = self.page.lock().await;
        let selector = set.spec.selector.query();
        let from = match list.next.as_str() {
            "" => String::new(),
            next => format!("&continue={}", quoted(next)),
        };
        let limit = list.limit;
        let what = format!("pods?labelSelector={selector}&limit={limit}{from}");
        match self.get("api/v1", &what).await {
            Ok(page) => Ok(list.take(page)),
            // Some have annotations of many kilobytes.
            Err(KubernetesError::TooLong(_)) if limit > 1 => {
                list.limit = limit / 2;
                Ok(false)
            }
            Err(why) => Err(why),
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
        let selector = set.spec.selector.query();
        let version = quoted(pods.version());
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

    /// After a failure everything is begun anew, and not where the API said no: it is there.
    /// Whoever waits no longer than it takes forgets what it was connected to by
    /// [`KubernetesClient::begin_anew`].
    async fn noted<T>(&self, answer: Result<T, KubernetesError>) -> Result<T, KubernetesError> {
        if answer.as_ref().is_err_and(|why| !why.is_a_no()) {
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
