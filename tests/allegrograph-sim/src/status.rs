//! The status of a cluster, in each shape that a real one may have: which one it has, nobody
//! here has seen.

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::membership::{Instance, Membership};

/// How a status is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// A list of objects.
    List,
    /// An object that has such a list, and names the controlling instance and itself.
    Object,
    /// An object of objects by names.
    ByName,
    /// Blocks of `key: value`.
    Blocks,
    /// A line for each instance.
    Lines,
    /// The names alone.
    Names,
    /// Nothing at all.
    Empty,
}

/// The status of this instance's cluster; `state` says what each does.
pub fn written(
    shape: Shape,
    membership: &Membership,
    state: impl Fn(&Instance) -> &'static str,
) -> String {
    let roll = &membership.roll;
    let controls = |one: &Instance| one.name == roll.controlling;
    let all = || roll.instances.iter();
    let object = |one: &Instance| {
        json!({
            "instanceName": one.name, "host": one.host, "port": one.port,
            "controlling": controls(one), "state": state(one),
        })
    };
    let list = || Value::from_iter(all().map(object));
    match shape {
        Shape::List => list().to_string(),
        Shape::Object => json!({
            "instanceName": membership.me, "controllingInstance": roll.controlling,
            "instances": list(),
        })
        .to_string(),
        Shape::ByName => {
            let named = all().map(|one| {
                let role = if controls(one) {
                    "controlling"
                } else {
                    "replica"
                };
                let address = format!("{}:{}", one.host, one.port);
                (
                    one.name.clone(),
                    json!({"address": address, "role": role, "status": state(one)}),
                )
            });
            Value::from_iter(named).to_string()
        }
        Shape::Blocks => {
            let blocks = all().map(|one| {
                let Instance { name, host, port, .. } = one;
                let (controls, state) = (controls(one), state(one));
                format!("instance-name: {name}\nhost: {host}\nport: {port}\ncontrolling: {controls}\nstate: {state}\n")
            });
            blocks.collect::<Vec<String>>().join("\n")
        }
        Shape::Lines => {
            let lines = all().map(|one| {
                let Instance {
                    name, host, port, ..
                } = one;
                let controls = if controls(one) { " controlling" } else { "" };
                format!("{name} {host}:{port} {}{controls}\n", state(one))
            });
            lines.collect()
        }
        Shape::Names => Value::from_iter(all().map(|one| one.name.clone())).to_string(),
        Shape::Empty => String::new(),
    }
}
