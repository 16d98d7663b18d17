use std::collections::BTreeMap;

use super::*;

const BRACES: &str = "
service {
    cluster-name mesh   # the name
}
network {
    service {
        port 3000
    }
    fabric {
        address eth0
        port 3001
    }
}
namespace a {
    replication-factor 3 # three
}
namespace b {
}
";

const YAML: &str = "
service:
  cluster-name: mesh
network:
  service:
    port: 3000
  fabric:
    addresses: [eth0]
    port: 3001
namespaces:
  a:
    replication-factor: 3
  b:
    storage-engine:
      type: memory
";

fn found(text: &str, cluster_name: Option<&str>) -> Vec<String> {
    let mistakes = mistakes(&Configured {
        options: &BTreeMap::new(),
        files: &[text.to_owned()],
        cluster_name,
        image: None,
    });
    mistakes.into_iter().map(|mistake| mistake.what).collect()
}

fn factor(text: &str) -> Option<usize> {
    let factors = Conf::read(text).factors().into_iter();
    factors.map(|(_, factor)| factor).max()
}

#[test]
fn the_largest_factor_of_all_namespaces_counts() {
    for text in [BRACES, YAML] {
        assert_eq!(factor(text), Some(3));
    }
    assert_eq!(factor("namespace a {\n}\n"), Some(2));
    assert_eq!(factor("namespaces:\n  a:\n    default-ttl: 0\n"), Some(2));
    assert_eq!(factor("# namespace a\nservice {\n}\n"), None);
}

/// With the vendor's own default 8.1 never formed a cluster.
#[test]
fn a_fabric_section_without_an_address_is_a_mistake() {
    let mistake = "The fabric section of the members' configuration names no address.";
    for (text, line) in [
        (BRACES, "        address eth0\n"),
        (YAML, "    addresses: [eth0]\n"),
    ] {
        assert_eq!(found(text, Some("mesh")), Vec::<String>::new());
        assert!(text.contains(line));
        assert_eq!(found(&text.replace(line, ""), Some("mesh")), [mistake]);
        let any = text.replace("eth0", "any");
        assert_eq!(found(&any, Some("mesh")), [mistake]);
    }
    let list = YAML.replace("addresses: [eth0]", "addresses:\n      - eth0");
    assert_eq!(found(&list, Some("mesh")), Vec::<String>::new());
    // A part of a configuration says nothing of the rest.
    assert_eq!(
        found("namespace a {\n}\n", Some("mesh")),
        Vec::<String>::new()
    );
}

#[test]
fn another_name_than_the_workers_is_a_mistake() {
    for text in [BRACES, YAML] {
        assert_eq!(
            found(text, Some("orders")),
            ["The members' configuration has cluster-name 'mesh', and the worker's is 'orders'."]
        );
        assert_eq!(found(text, None), Vec::<String>::new());
        let unnamed = text.replace("cluster-name", "cluster-nam");
        assert_eq!(
            found(&unnamed, Some("mesh")),
            ["The members' configuration has no cluster-name, and the worker's is 'mesh'."]
        );
    }
}

#[test]
fn no_text_makes_it_panic() {
    for text in [
        "}\n}\n",
        "a {\n",
        ": :\n:\n",
        "- x\n",
        "{",
        "namespace {\n",
        "\u{feff}a: 'b\n",
    ] {
        let _ = Conf::read(text).factors();
        found(text, Some("mesh"));
    }
    let _ = Conf::read(&"a {\n".repeat(10_000)).factors();
}
