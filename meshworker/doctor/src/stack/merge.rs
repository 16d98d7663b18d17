//! Several files as one, as `docker stack deploy -c A -c B` merges them:
//! services by name, maps key by key, the later file first, lists one after
//! the other, the test of a health check too. A command line is replaced as a
//! whole. Compared with what `docker stack config` prints.

use super::node::{Node, Value};

/// Fields whose list is one value.
const WHOLE: [&str; 2] = ["command", "entrypoint"];

/// Fields that may be written as a map or as a list of `NAME=VALUE`, or of names.
const EITHER: [&str; 3] = ["environment", "labels", "networks"];

/// `later` over `earlier`.
pub fn merge(earlier: Node, later: Node) -> Node {
    merge_field("", earlier, later)
}

fn merge_field(name: &str, earlier: Node, later: Node) -> Node {
    let (earlier, later) = if EITHER.contains(&name) {
        (as_map(earlier), as_map(later))
    } else {
        (earlier, later)
    };
    let Node { place, value } = earlier;
    match (value, later.value) {
        (value, Value::Null) => Node { place, value },
        (Value::Map(mut mine), Value::Map(others)) => {
            for (key, node) in others {
                match mine.iter().position(|(name, _)| *name == key) {
                    Some(at) => {
                        let (key, old) = mine.remove(at);
                        let merged = merge_field(&key, old, node);
                        mine.insert(at, (key, merged));
                    }
                    None => mine.push((key, node)),
                }
            }
            let value = Value::Map(mine);
            Node { place, value }
        }
        (Value::List(mut mine), Value::List(others)) if !WHOLE.contains(&name) => {
            mine.extend(others);
            let value = Value::List(mine);
            Node { place, value }
        }
        (_, value) => Node {
            place: later.place,
            value,
        },
    }
}

/// A list of `NAME=VALUE`, or of names, as the map that it stands for.
pub fn as_map(node: Node) -> Node {
    let Value::List(items) = node.value else {
        return node;
    };
    let mut entries: Vec<(String, Node)> = Vec::new();
    for item in items {
        let place = item.place;
        let Value::Scalar {
            text, filled_in, ..
        } = item.value
        else {
            continue;
        };
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => {
                let text = value.to_owned();
                let plain = false;
                (
                    name.to_owned(),
                    Value::Scalar {
                        text,
                        filled_in,
                        plain,
                    },
                )
            }
            None => (text, Value::Null),
        };
        entries.retain(|(other, _)| *other != name);
        entries.push((name, Node { place, value }));
    }
    Node {
        place: node.place,
        value: Value::Map(entries),
    }
}
