//! What there is in the namespace, what has happened to it, and what was asked.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::sync::watch;

/// The folder of the objects of each kind.
const SETS: &str = "statefulsets";

/// What there is in the namespace, and what was asked.
#[derive(Debug)]
pub struct World {
    state: Mutex<State>,
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
    /// Counts whatever may interest a watch.
    pub(crate) stir: watch::Sender<u64>,
}

#[derive(Debug, Clone)]
struct State {
    version: u64,
    /// What happened before this version is not told any more.
    oldest: u64,
    sets: BTreeMap<String, Value>,
    pods: BTreeMap<String, Value>,
    events: Vec<(u64, Value)>,
    token: String,
    status: Option<u16>,
    /// Requests whose target has this in it are forbidden.
    forbidden: Option<String>,
    hangs: bool,
    /// Requests whose target has this in it are not answered.
    stuck: Option<String>,
    /// Watches live, and tell nothing.
    mute: bool,
    /// Counts the times that all watches were ended.
    cut: u64,
}

/// What is to be answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Whole(u16, Value),
    Watch { since: u64 },
    Nothing,
}

impl World {
    pub(crate) fn new(token: &str) -> World {
        World {
            state: Mutex::new(State {
                version: 1000,
                oldest: 1000,
                sets: BTreeMap::new(),
                pods: BTreeMap::new(),
                events: Vec::new(),
                token: token.to_owned(),
                status: None,
                forbidden: None,
                hangs: false,
                stuck: None,
                mute: false,
                cut: 0,
            }),
            requests: Mutex::default(),
            connections: AtomicUsize::default(),
            stir: watch::Sender::new(0),
        }
    }

    /// There is a StatefulSet of this name with so many replicas.
    pub fn statefulset(&self, name: &str, replicas: u64) {
        self.change(|state| {
            let version = state.next();
            let set = json!({
                "metadata": {"name": name, "resourceVersion": version.to_string()},
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": {"app": name}},
                    "ofALaterVersion": [{}],
                },
            });
            state.sets.insert(name.to_owned(), set);
        });
    }

    /// There is no StatefulSet of this name any more.
    pub fn without_statefulset(&self, name: &str) {
        self.change(|state| {
            state.next();
            state.sets.remove(name);
        });
    }

    /// How many replicas it is meant to have.
    pub fn replicas(&self, name: &str) -> u64 {
        let state = self.state.lock().unwrap();
        state.sets[name]["spec"]["replicas"].as_u64().unwrap()
    }

    /// A pod runs there, on this node, and is ready; made, or changed.
    pub fn pod(&self, name: &str, address: &str, node: &str) {
        let uid = format!("uid-of-{name}-at-{address}");
        self.pod_of(&uid, name, address, node);
    }

    /// The same with this uid.
    pub fn pod_of(&self, uid: &str, name: &str, address: &str, node: &str) {
        self.pod_is(name, |_| {
            json!({
                "metadata": {"uid": uid},
                "spec": {"nodeName": node, "containers": [{"name": "db"}]},
                "status": {
                    "phase": "Running",
                    "podIP": address,
                    "podIPs": [{"ip": address}],
                    "conditions": [
                        {"type": "ContainersReady", "status": "True"},
                        {"type": "Ready", "status": "True"},
                    ],
                },
            })
        });
    }

    /// A pod that has no address yet.
    pub fn pending(&self, name: &str) {
        self.pod_is(name, |_| {
            json!({
                "metadata": {"uid": format!("uid-of-{name}")},
                "spec": {"containers": [{"name": "db"}]},
                "status": {"phase": "Pending"},
            })
        });
    }

    /// Somebody deletes it: it is terminated, and there until [`World::gone`].
    pub fn delete(&self, name: &str) {
        self.pod_is(name, |was| {
            let mut pod = was.clone();
            pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            pod
        });
    }

    /// Its node is not heard of any more: so the node's controller says, of every pod there.
    pub fn lose_node(&self, node: &str) {
        let on_it = |pod: &Value| pod["spec"]["nodeName"] == node;
        let names: Vec<String> = {
            let state = self.state.lock().unwrap();
            let pods = state.pods.iter().filter(|(_, pod)| on_it(pod));
            pods.map(|(name, _)| name.clone()).collect()
        };
        for name in names {
            self.pod_is(&name, |was| {
                let mut pod = was.clone();
                for condition in pod["status"]["conditions"].as_array_mut().unwrap() {
                    if condition["type"] == "Ready" {
                        condition["status"] = json!("False");
                    }
                }
                pod
            });
        }
    }

    /// The pod is gone, by itself or by force.
    pub fn gone(&self, name: &str) {
        self.change(|state| {
            let version = state.next();
            let mut pod = state.pods.remove(name).unwrap();
            pod["metadata"]["resourceVersion"] = json!(version.to_string());
            let event = json!({"type": "DELETED", "object": pod});
            state.events.push((version, event));
        });
    }

    /// Nothing happens, and watches are told up to which version.
    pub fn bookmark(&self) {
        self.change(|state| {
            let version = state.next();
            let metadata = json!({"resourceVersion": version.to_string()});
            let event = json!({"type": "BOOKMARK", "object": {"metadata": metadata}});
            state.events.push((version, event));
        });
    }

    /// What has happened so far is forgotten: whoever goes on from before is too old, and
    /// watches that are under way are told so.
    pub fn compact(&self) {
        self.change(|state| {
            let version = state.next();
            state.oldest = version;
            let object =
                json!({"kind": "Status", "code": 410, "message": "too old resource version"});
            state.events = vec![(version, json!({"type": "ERROR", "object": object}))];
        });
    }

    /// Every watch ends, as each does after some minutes.
    pub fn end_watches(&self) {
        self.change(|state| state.cut += 1);
    }

    /// From now on every request is answered with this status; none: as it should be.
    pub fn status(&self, status: Option<u16>) {
        self.change(|state| state.status = status);
    }

    /// From now on there is no right to whatever has this in its target.
    pub fn forbid(&self, part: &str) {
        self.change(|state| state.forbidden = Some(part.to_owned()));
    }

    /// From now on whatever has this in its target is not answered.
    pub fn hang_at(&self, part: &str) {
        self.change(|state| state.stuck = Some(part.to_owned()));
    }

    /// From now on watches tell nothing, and do not end, as behind a proxy that has lost its
    /// server.
    pub fn mute_watches(&self) {
        self.change(|state| state.mute = true);
    }

    /// The pod has an annotation of so many bytes.
    pub fn annotate(&self, name: &str, bytes: usize) {
        self.pod_is(name, |was| {
            let mut pod = was.clone();
            pod["metadata"]["annotations"] = json!({"note": "x".repeat(bytes)});
            pod
        });
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// From now on nothing is answered, or is again; what is under way falls silent.
    pub fn hang(&self, hangs: bool) {
        self.change(|state| state.hangs = hangs);
    }

    /// From now on only this token is good.
    pub fn token(&self, token: &str) {
        self.change(|state| token.clone_into(&mut state.token));
    }

    /// All requests so far whose target has this in it.
    pub fn requests(&self, part: &str) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let with = requests.iter().filter(|target| target.contains(part));
        with.cloned().collect()
    }

    /// How many watches there are.
    pub fn watches(&self) -> usize {
        self.stir.receiver_count()
    }

    fn pod_is(&self, name: &str, is: impl FnOnce(&Value) -> Value) {
        self.change(|state| {
            let version = state.next();
            let was = state.pods.get(name).cloned();
            let mut pod = is(was.as_ref().unwrap_or(&Value::Null));
            let set = name.rsplit_once('-').unwrap().0;
            pod["metadata"]["name"] = json!(name);
            pod["metadata"]["labels"] = json!({"app": set});
            pod["metadata"]["resourceVersion"] = json!(version.to_string());
            let kind = if was.is_some() { "MODIFIED" } else { "ADDED" };
            state
                .events
                .push((version, json!({"type": kind, "object": pod})));
            state.pods.insert(name.to_owned(), pod);
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
        self.stir.send_modify(|count| *count += 1);
    }

    /// Lines of a watch that has told everything up to `since`, and up to which version they
    /// go; none once it is over. `cut` is what [`World::cuts`] was at its beginning.
    pub(crate) fn lines(&self, since: u64, cut: u64, selector: &str) -> Option<(String, u64)> {
        let state = self.state.lock().unwrap();
        if state.cut != cut {
            return None;
        }
        if state.hangs || state.mute {
            return Some((String::new(), since));
        }
        let of = |event: &Value| {
            let labels = &event["object"]["metadata"]["labels"];
            labels.is_null() || is_selected(labels, selector)
        };
        let news = state.events.iter().filter(|(version, _)| *version > since);
        let told: Vec<_> = news.filter(|(_, event)| of(event)).collect();
        let lines = told.iter().map(|(_, event)| format!("{event}\n"));
        Some((lines.collect(), state.version.max(since)))
    }

    pub(crate) fn cuts(&self) -> u64 {
        self.state.lock().unwrap().cut
    }

    /// What this request is answered with.
    pub(crate) fn answer(
        &self,
        method: &str,
        target: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Answer {
        self.requests
            .lock()
            .unwrap()
            .push(format!("{method} {target}"));
        let mut state = self.state.lock().unwrap();
        let is_at = |part: &Option<String>| part.as_ref().is_some_and(|part| target.contains(part));
        if state.hangs || is_at(&state.stuck) {
            return Answer::Nothing;
        }
        if is_at(&state.forbidden) {
            return refusal(403, "no such right");
        }
        if token != Some(state.token.as_str()) {
            return refusal(401, "Unauthorized");
        }
        if let Some(status) = state.status {
            return refusal(status, "no such luck");
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (method, parts.as_slice()) {
            ("GET", ["api", "v1", "namespaces", "cache", "pods"]) => state.pods(query),
            ("GET", ["apis", "apps", "v1", "namespaces", "cache", SETS, name]) => state
                .set(name)
                .map_or_else(|refused| refused, |set| Answer::Whole(200, set)),
            (
                "GET",
                [
                    "apis",
                    "apps",
                    "v1",
                    "namespaces",
                    "cache",
                    SETS,
                    name,
                    "scale",
                ],
            ) => state.scale(name),
            (
                "PATCH",
                [
                    "apis",
                    "apps",
                    "v1",
                    "namespaces",
                    "cache",
                    SETS,
                    name,
                    "scale",
                ],
            ) => {
                let answer = state.rescale(name, body);
                drop(state);
                self.stir.send_modify(|count| *count += 1);
                answer
            }
            _ => refusal(404, &format!("the server could not find {target}")),
        }
    }
}

impl State {
    fn next(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    fn set(&self, name: &str) -> Result<Value, Answer> {
        let set = self.sets.get(name).cloned();
        set.ok_or_else(|| refusal(404, &format!("statefulsets.apps \"{name}\" not found")))
    }

    fn pods(&self, query: &str) -> Answer {
        let asked = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let value = pairs.find(|(key, _)| *key == name).map(|(_, value)| value);
            value.map(|value| value.replace("%3D", "=").replace("%2C", ","))
        };
        let selector = asked("labelSelector").unwrap_or_default();
        if asked("watch").is_some() {
            let since = asked("resourceVersion").unwrap().parse().unwrap();
            return match since < self.oldest {
                true => refusal(410, "too old resource version"),
                false => Answer::Watch { since },
            };
        }
        let from: usize = asked("continue").map_or(0, |from| from.parse().unwrap());
        let limit: usize = asked("limit").map_or(usize::MAX, |limit| limit.parse().unwrap());
        let all = self.pods.values();
        let all = all.filter(|pod| is_selected(&pod["metadata"]["labels"], &selector));
        let all: Vec<&Value> = all.collect();
        let end = all.len().min(from.saturating_add(limit));
        let mut metadata = json!({"resourceVersion": self.version.to_string()});
        if end < all.len() {
            metadata["continue"] = json!(end.to_string());
        }
        let page = &all[from..end];
        Answer::Whole(
            200,
            json!({"kind": "PodList", "metadata": metadata, "items": page}),
        )
    }

    fn scale(&self, name: &str) -> Answer {
        match self.set(name) {
            Ok(set) => {
                let version = &set["metadata"]["resourceVersion"];
                let mut spec = json!({});
                if set["spec"]["replicas"] != 0 {
                    spec["replicas"] = set["spec"]["replicas"].clone();
                }
                let metadata = json!({"name": name, "resourceVersion": version});
                Answer::Whole(
                    200,
                    json!({"kind": "Scale", "metadata": metadata, "spec": spec}),
                )
            }
            Err(refused) => refused,
        }
    }

    fn rescale(&mut self, name: &str, body: &Value) -> Answer {
        let mut set = match self.set(name) {
            Ok(set) => set,
            Err(refused) => return refused,
        };
        let version = &body["metadata"]["resourceVersion"];
        if !version.is_null() && *version != set["metadata"]["resourceVersion"] {
            return refusal(409, "the object has been modified");
        }
        set["spec"]["replicas"] = body["spec"]["replicas"].clone();
        set["metadata"]["resourceVersion"] = json!(self.next().to_string());
        self.sets.insert(name.to_owned(), set);
        self.scale(name)
    }
}

fn is_selected(labels: &Value, selector: &str) -> bool {
    let mut wanted = selector.split(',').filter(|one| !one.is_empty());
    wanted.all(|one| {
        let (name, value) = one.split_once('=').unwrap();
        labels[name] == value
    })
}

fn refusal(status: u16, message: &str) -> Answer {
    let body = json!({"kind": "Status", "status": "Failure", "message": message, "code": status});
    Answer::Whole(status, body)
}
