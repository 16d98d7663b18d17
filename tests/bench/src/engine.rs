//! A Docker API that lists the tasks of one service.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use fake_docker::FakeEngine;
use serde_json::{Value, json};

/// The service that it lists.
pub const SERVICE: &str = "bench_db";

/// The network of the service's tasks.
pub const NETWORK: &str = "bench_net";

/// A Docker API on a socket of its own. It stops when it is dropped.
#[derive(Debug)]
pub struct Engine {
    engine: FakeEngine,
    tasks: Mutex<Vec<Value>>,
}

impl Engine {
    /// An engine without tasks.
    pub fn start() -> Engine {
        let engine = FakeEngine::start();
        engine.world.services(services(0));
        Engine {
            engine,
            tasks: Mutex::default(),
        }
    }

    /// What `DOCKER_HOST` is to be.
    pub fn host(&self) -> String {
        format!("unix://{}", self.engine.socket().display())
    }

    /// Lists one more task, which has this address from now on.
    pub fn add(&self, address: IpAddr) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = tasks.len() + 1;
        tasks.push(task(slot, address));
        self.engine.world.services(services(slot));
        self.engine.world.tasks(Value::Array(tasks.clone()));
    }

    /// Tells of a change of the service, as scaling it does.
    pub fn event(&self) {
        self.engine.world.event("service", "update");
    }
}

/// The service, with so many replicas.
fn services(replicas: usize) -> Value {
    let mode = json!({"Replicated": {"Replicas": replicas}});
    json!([{"ID": "service", "Spec": {"Name": SERVICE, "Mode": mode}}])
}

/// A running task. Of what an engine tells besides, the largest part is here as
/// well: to read over it is a part of the cost.
fn task(slot: usize, address: IpAddr) -> Value {
    json!({
        "ID": format!("task{slot}"),
        "Version": {"Index": 71},
        "CreatedAt": "2024-06-07T21:07:29.962229872Z",
        "UpdatedAt": "2024-06-07T21:07:31.290032978Z",
        "Spec": {
            "ContainerSpec": {
                "Image": "database:latest",
                "Env": (0..12).map(|n| format!("VARIABLE_{n}=some value of usual length")).collect::<Vec<_>>(),
                "Healthcheck": {"Test": ["CMD-SHELL", "healthy || exit 1"], "Interval": 1_000_000_000_u64},
            },
            "Resources": {"Limits": {"MemoryBytes": 1_u64 << 30}, "Reservations": {}},
            "RestartPolicy": {"Condition": "any", "MaxAttempts": 0},
            "Placement": {"Preferences": [{"Spread": {"SpreadDescriptor": "node.id"}}]},
        },
        "ServiceID": "service",
        "Slot": slot,
        "NodeID": "n1",
        "Status": {"State": "running", "Timestamp": "2024-06-07T21:07:31.290032978Z"},
        "DesiredState": "running",
        "NetworksAttachments": [{
            "Network": {
                "ID": "network",
                "Spec": {"Name": NETWORK, "DriverConfiguration": {"Name": "overlay"}},
                "DriverState": {"Name": "overlay", "Options": {"vxlanid_list": "4097"}},
            },
            "Addresses": [format!("{address}/24")],
        }],
    })
}
