//! How a member is told where it is: by the properties that the configurations which are
//! shipped have in their places (`bind_addr="${jgroups.bind_addr:...}"`), and that count where
//! a configuration says nothing (`protocols/TPConfig.java`, `stack/Configurator.java`).

use std::collections::BTreeMap;

use crate::{External, Placed};

/// What each Java machine reads before its own command line. Variables of the properties' names
/// would do too, but shells lose names with a dot in them.
const OPTIONS: &str = "JAVA_TOOL_OPTIONS";

const BIND: &str = "jgroups.bind_addr";
const EXTERNAL: &str = "jgroups.external_addr";
const EXTERNAL_PORT: &str = "jgroups.external_port";

/// The options that a member's Java machine is given; whatever its operator has said counts.
pub fn placed(at: &Placed<'_>) -> BTreeMap<String, String> {
    let options = (at.given)(OPTIONS).unwrap_or_default();
    let external = at.external;
    let wanted = [
        (BIND, Some(at.address.to_string())),
        (
            EXTERNAL,
            external.map(|external: &External| external.host.clone()),
        ),
        (
            EXTERNAL_PORT,
            external
                .and_then(|external| external.port)
                .map(|port| port.to_string()),
        ),
    ];
    let told = |property: &str| {
        let flag = format!("-D{property}=");
        (at.given)(property).is_some()
            || options
                .split_whitespace()
                .any(|word| word.starts_with(&flag))
    };
    let wanted = wanted.into_iter().filter(|(property, _)| !told(property));
    let wanted = wanted.filter_map(|(property, value)| Some(format!("-D{property}={}", value?)));
    let more: Vec<String> = wanted.collect();
    if more.is_empty() {
        return BTreeMap::new();
    }
    let all = [options.trim(), &more.join(" ")].join(" ");
    BTreeMap::from([(OPTIONS.to_owned(), all.trim().to_owned())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(given: &[(&str, &str)], external: Option<&External>) -> Option<String> {
        let given = |name: &str| {
            let found = given.iter().find(|(given, _)| *given == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let at = Placed {
            address: [10, 0, 1, 5].into(),
            external,
            given: &given,
        };
        placed(&at).remove(OPTIONS)
    }

    #[test]
    fn a_member_is_told_where_it_is() {
        let published = External {
            host: "node-1".into(),
            port: Some(17_800),
        };
        assert_eq!(options(&[], None).unwrap(), "-Djgroups.bind_addr=10.0.1.5");
        assert_eq!(
            options(&[(OPTIONS, "-Xmx1g")], Some(&published)).unwrap(),
            "-Xmx1g -Djgroups.bind_addr=10.0.1.5 -Djgroups.external_addr=node-1 -Djgroups.external_port=17800"
        );
    }

    #[test]
    fn what_its_operator_has_said_counts() {
        assert_eq!(options(&[(BIND, "match-address:10.*")], None), None);
        assert_eq!(
            options(&[(OPTIONS, "-Djgroups.bind_addr=10.9.9.9")], None),
            None
        );
        let published = External {
            host: "node-1".into(),
            port: None,
        };
        assert_eq!(
            options(&[(BIND, "GLOBAL")], Some(&published)).unwrap(),
            "-Djgroups.external_addr=node-1"
        );
    }
}
