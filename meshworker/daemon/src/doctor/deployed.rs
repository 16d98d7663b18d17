//! Services as they are deployed, in the words of a stack file. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::facts::Overlay;
use crate::docker::Survey;
use meshworker_doctor::stack::field::At;
use meshworker_doctor::stack::model::{
    Given, Health, Mount, MountKind, Network, Port, Service, Stack, Update, Variable,
};

/// The label that says which stack something belongs to.
const NAMESPACE: &str = "com.docker.stack.namespace";

/// The option of a network that sets its MTU.
const MTU: &str = "com.docker.network.driver.mtu";

/// The option of a network that encrypts it, whatever it says.
const ENCRYPTED: &str = "encrypted";

/// Each stack's name, and the full names of its services. A service of its own
/// is a stack under its name.
pub fn namespaces(survey: &Survey) -> BTreeMap<String, BTreeSet<String>> {
    let mut stacks: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for service in &survey.services {
        let name = text(service, "/Spec/Name").unwrap_or_default();
        let names = stacks.entry(namespace(service)).or_default();
        names.insert(name);
    }
    stacks
}

/// The name and the labels of a service.
pub fn labels(service: &Value) -> Option<(String, BTreeMap<String, String>)> {
    let labels = map(service, "/Spec/Labels");
    Some((text(service, "/Spec/Name")?, labels))
}

/// How many nodes may run something.
pub fn nodes(survey: &Survey) -> usize {
    survey.nodes.iter().filter(|node| is_usable(node)).count()
}

/// The nodes that may run something, by id, with their names.
pub fn usable(survey: &Survey) -> BTreeMap<String, String> {
    let usable = survey.nodes.iter().filter(|node| is_usable(node));
    usable.filter_map(named).collect()
}

/// The versions of the engines of these nodes, each with its nodes' names.
pub fn engines(survey: &Survey) -> BTreeMap<String, Vec<String>> {
    let mut engines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in survey.nodes.iter().filter(|node| is_usable(node)) {
        let version = text(node, "/Description/Engine/EngineVersion");
        if let (Some(version), Some((_, name))) = (version, named(node)) {
            engines.entry(version).or_default().push(name);
        }
    }
    engines
}

/// A node's id and its name.
fn named(node: &Value) -> Option<(String, String)> {
    let id = text(node, "/ID")?;
    let name = text(node, "/Description/Hostname");
    Some((id.clone(), name.unwrap_or(id)))
}

fn is_usable(node: &Value) -> bool {
    let state = text(node, "/Status/State");
    let availability = text(node, "/Spec/Availability");
    state.as_deref() == Some("ready") && matches!(availability.as_deref(), None | Some("active"))
}

/// One stack.
pub fn stack(survey: &Survey, name: &str) -> Stack {
    let networks: BTreeMap<String, String> = survey
        .networks
        .iter()
        .filter_map(|network| Some((text(network, "/Id")?, short(&text(network, "/Name")?, name))))
        .collect();
    let services = survey
        .services
        .iter()
        .filter(|service| namespace(service) == name);
    Stack {
        services: services
            .map(|found| service(found, name, &networks))
            .collect(),
        networks: survey
            .networks
            .iter()
            .filter_map(|found| Some((short(&text(found, "/Name")?, name), network(found))))
            .collect(),
        ..Stack::default()
    }
}

/// An overlay network other than the routing mesh's.
pub fn overlay(network: &Value) -> Option<Overlay> {
    let is_overlay = text(network, "/Driver")? == "overlay";
    let ingress = network.pointer("/Ingress").and_then(Value::as_bool);
    let options = map(network, "/Options");
    (is_overlay && ingress != Some(true)).then(|| Overlay {
        name: text(network, "/Name").unwrap_or_default(),
        mtu: options.get(MTU).and_then(|mtu| mtu.parse().ok()),
        encrypted: options.get(ENCRYPTED).is_some_and(|said| said != "false"),
    })
}

fn namespace(service: &Value) -> String {
    let label = map(service, "/Spec/Labels").remove(NAMESPACE);
    label
        .or_else(|| text(service, "/Spec/Name"))
        .unwrap_or_default()
}

/// A name without the stack's before it, as the stack file has it.
fn short(name: &str, namespace: &str) -> String {
    let rest = name.strip_prefix(namespace);
    let rest = rest.and_then(|rest| rest.strip_prefix('_'));
    rest.unwrap_or(name).to_owned()
}

fn service(found: &Value, namespace: &str, networks: &BTreeMap<String, String>) -> Service {
    let nothing = Value::Null;
    let spec = found.pointer("/Spec").unwrap_or(&nothing);
    let container = spec
        .pointer("/TaskTemplate/ContainerSpec")
        .unwrap_or(&nothing);
    let placement = spec.pointer("/TaskTemplate/Placement").unwrap_or(&nothing);
    let mut words = texts(container, "/Command");
    words.extend(texts(container, "/Args"));
    let known = |id: String| networks.get(&id).cloned().unwrap_or(id);
    let attached = list(spec, "/TaskTemplate/Networks");
    let global = spec.pointer("/Mode/Global").is_some();
    Service {
        name: short(&text(spec, "/Name").unwrap_or_default(), namespace),
        image: text(container, "/Image").map(At::nowhere),
        words,
        environment: texts(container, "/Env").into_iter().map(variable).collect(),
        labels: nowhere(map(spec, "/Labels")),
        networks: attached
            .iter()
            .filter_map(|network| Some(At::nowhere(known(text(network, "/Target")?))))
            .collect(),
        ports: list(spec, "/EndpointSpec/Ports").iter().map(port).collect(),
        mounts: list(container, "/Mounts").iter().map(mount).collect(),
        health: container
            .pointer("/Healthcheck")
            .filter(|health| health.is_object())
            .map(health),
        grace: nanoseconds(container, "/StopGracePeriod").map(At::nowhere),
        stop_signal: text(container, "/StopSignal").map(At::nowhere),
        tty: container.pointer("/TTY").and_then(Value::as_bool) == Some(true),
        hostname: text(container, "/Hostname"),
        container_labels: nowhere(map(container, "/Labels")),
        secrets: given(container, "/Secrets", "/SecretName", namespace),
        configs: given(container, "/Configs", "/ConfigName", namespace),
        restart: text(spec, "/TaskTemplate/RestartPolicy/Condition").map(At::nowhere),
        restarts: number(spec, "/TaskTemplate/RestartPolicy/MaxAttempts")
            .map(|most| At::nowhere(most as u64)),
        endpoint_mode: text(spec, "/EndpointSpec/Mode").map(At::nowhere),
        mode: global.then(|| At::nowhere("global".to_owned())),
        replicas: number(spec, "/Mode/Replicated/Replicas").map(At::nowhere),
        max_per_node: number(placement, "/MaxReplicas").map(At::nowhere),
        constraints: texts(placement, "/Constraints")
            .into_iter()
            .map(At::nowhere)
            .collect(),
        update: update(spec, "/UpdateConfig"),
        rollback: update(spec, "/RollbackConfig"),
        ..Service::default()
    }
}

fn nowhere(texts: BTreeMap<String, String>) -> BTreeMap<String, At<String>> {
    let texts = texts.into_iter();
    texts
        .map(|(name, text)| (name, At::nowhere(text)))
        .collect()
}

fn given(container: &Value, at: &str, name: &str, namespace: &str) -> Vec<At<Given>> {
    let given = list(container, at).iter().filter_map(|found| {
        Some(At::nowhere(Given {
            source: short(&text(found, name)?, namespace),
            target: text(found, "/File/Name"),
        }))
    });
    given.collect()
}

fn variable(line: String) -> (String, At<Variable>) {
    let (name, value) = line.split_once('=').unwrap_or((&line, ""));
    let variable = Variable {
        value: value.to_owned(),
        filled_in: false,
    };
    (name.to_owned(), At::nowhere(variable))
}

fn port(found: &Value) -> At<Port> {
    let one = |at| number(found, at).map(|port| port.to_string());
    At::nowhere(Port {
        published: one("/PublishedPort"),
        target: one("/TargetPort").unwrap_or_default(),
        host: text(found, "/PublishMode").as_deref() == Some("host"),
        protocol: text(found, "/Protocol").unwrap_or_else(|| "tcp".into()),
    })
}

fn mount(found: &Value) -> At<Mount> {
    let kind = text(found, "/Type").unwrap_or_default();
    At::nowhere(Mount {
        source: text(found, "/Source").filter(|source| !source.is_empty()),
        target: text(found, "/Target").unwrap_or_default(),
        kind: MountKind::of(&kind),
        read_only: found.pointer("/ReadOnly").and_then(Value::as_bool) == Some(true),
    })
}

fn health(found: &Value) -> At<Health> {
    let test = texts(found, "/Test");
    let retries = number(found, "/Retries").and_then(|retries| u32::try_from(retries).ok());
    At::nowhere(Health {
        disabled: test.first().is_some_and(|word| word == "NONE"),
        switched_off: false,
        test,
        start_period: nanoseconds(found, "/StartPeriod").map(At::nowhere),
        interval: nanoseconds(found, "/Interval"),
        retries,
    })
}

fn update(spec: &Value, at: &str) -> Update {
    let Some(found) = spec.pointer(at) else {
        return Update::default();
    };
    let parallelism = found.pointer("/Parallelism").and_then(Value::as_u64);
    Update {
        parallelism: parallelism.map(At::nowhere),
        order: text(found, "/Order").map(At::nowhere),
        failure_action: text(found, "/FailureAction").map(At::nowhere),
    }
}

fn network(found: &Value) -> Network {
    let subnets = list(found, "/IPAM/Config");
    let options = map(found, "/Options").into_iter();
    Network {
        driver: text(found, "/Driver").map(At::nowhere),
        attachable: found
            .pointer("/Attachable")
            .and_then(Value::as_bool)
            .map(At::nowhere),
        options: options
            .map(|(name, option)| (name, At::nowhere(option)))
            .collect(),
        subnets: subnets
            .iter()
            .filter_map(|pool| Some(At::nowhere(text(pool, "/Subnet")?)))
            .collect(),
        ..Network::default()
    }
}

fn text(value: &Value, at: &str) -> Option<String> {
    value.pointer(at)?.as_str().map(str::to_owned)
}

fn number(value: &Value, at: &str) -> Option<usize> {
    value
        .pointer(at)?
        .as_u64()
        .and_then(|number| usize::try_from(number).ok())
}

fn nanoseconds(value: &Value, at: &str) -> Option<Duration> {
    // Zero means that nothing was said.
    let time = value.pointer(at)?.as_u64().filter(|time| *time > 0);
    time.map(Duration::from_nanos)
}

fn list<'a>(value: &'a Value, at: &str) -> &'a [Value] {
    let list = value.pointer(at).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

fn texts(value: &Value, at: &str) -> Vec<String> {
    let texts = list(value, at).iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

fn map(value: &Value, at: &str) -> BTreeMap<String, String> {
    let map = value.pointer(at).and_then(Value::as_object);
    let entries = map.into_iter().flatten();
    let texts =
        entries.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    texts.collect()
}
