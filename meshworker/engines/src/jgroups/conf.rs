//! Mistakes in members' configurations that show before they run.

use crate::{Configured, Mistake};

/// Those of every file that is a configuration of JGroups.
pub fn mistakes(configured: &Configured<'_>) -> Vec<Mistake> {
    let files = configured.files.iter();
    let files = files.filter(|text| text.contains("urn:org:jgroups"));
    files.flat_map(|text| of_one(text)).collect()
}

fn of_one(text: &str) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for hyphened in ["site-local", "link-local", "non-loopback"] {
        let lower = text.to_ascii_lowercase();
        let says =
            |before: &str, after: &str| lower.contains(&format!("{before}{hyphened}{after}"));
        if says("bind_addr=\"", "\"") || says("bind_addr:", "}") {
            mistakes.push(Mistake {
                what: format!("bind_addr is {hyphened}"),
                why: "with a hyphen it is the name of a host, which nobody has",
                instead: hyphened.replace('-', "_").to_ascii_uppercase(),
            });
        }
    }
    if text.contains("bind_addr=\"0.0.0.0\"") {
        mistakes.push(Mistake {
            what: "bind_addr is 0.0.0.0".into(),
            why: "a member does not start: it tells the others this address, where nobody reaches it",
            instead: "bind_addr=\"match-address:10\\..*\", or what the members' network has".into(),
        });
    }
    if !text.contains("<MERGE") {
        mistakes.push(Mistake {
            what: "there is no MERGE3".into(),
            why: "groups that were parted once never become one again",
            instead: "<MERGE3/>".into(),
        });
    }
    mistakes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_found() {
        let found = |text: &str| {
            let text = format!("<config xmlns=\"urn:org:jgroups\">{text}</config>");
            let found = of_one(&text).into_iter();
            found.map(|mistake| mistake.what).collect::<Vec<_>>()
        };
        assert_eq!(
            found("<TCP bind_addr=\"SITE_LOCAL\"/><MERGE3/>"),
            Vec::<String>::new()
        );
        assert_eq!(
            found("<TCP bind_addr=\"${jgroups.bind_addr:SITE-local}\"/><MERGE3/>"),
            ["bind_addr is site-local"]
        );
        assert_eq!(
            found("<TCP bind_addr=\"0.0.0.0\"/>"),
            ["bind_addr is 0.0.0.0", "there is no MERGE3"]
        );
    }
}
