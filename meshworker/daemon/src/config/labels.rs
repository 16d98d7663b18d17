//! Clusters that Swarm services declare by their labels.

use std::collections::BTreeMap;

use super::raw::{Origin, Raw, UnknownSetting};

/// The label that makes a service a cluster of this worker, with the value `true`.
pub const ENABLE: &str = "meshworker.enable";

/// What the labels of a service give; none unless [`ENABLE`] is `true`.
///
/// `meshworker.NAME` gives the setting `NAME`. The service's own name is the
/// default of `servicename`.
///
/// # Errors
///
/// A label that starts with `meshworker.` is no setting.
pub fn read(
    service: &str,
    labels: &BTreeMap<String, String>,
) -> Result<Option<Raw>, UnknownSetting> {
    if labels.get(ENABLE).map(String::as_str) != Some("true") {
        return Ok(None);
    }
    let origin = Origin::Label(service.to_owned());
    let mut raw = Raw::default();
    raw.give("servicename", service, origin.clone())?;
    raw.give("docker-service", service, origin.clone())?;
    raw.give("docker", "yes", origin.clone())?;
    for (label, value) in labels {
        if let Some(name) = label.strip_prefix("meshworker.")
            && label != ENABLE
        {
            raw.give(name, value.as_str(), origin.clone())?;
        }
    }
    Ok(Some(raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(given: &[(&str, &str)]) -> BTreeMap<String, String> {
        let given = given.iter();
        given.map(|(k, v)| ((*k).into(), (*v).into())).collect()
    }

    #[test]
    fn only_an_enabled_service_is_a_cluster() {
        assert_eq!(
            read("db", &labels(&[("meshworker.engine", "redis")])),
            Ok(None)
        );
        let given = labels(&[
            ("meshworker.enable", "true"),
            ("meshworker.engine", "redis"),
            ("other", "x"),
        ]);
        let raw = read("db", &given).unwrap().unwrap();
        assert_eq!(raw.settings["engine"].value, "redis");
        assert_eq!(raw.settings["servicename"].value, "db");
    }

    #[test]
    fn a_mistyped_label_is_named() {
        let given = labels(&[("meshworker.enable", "true"), ("meshworker.engin", "redis")]);
        let error = read("db", &given).unwrap_err().to_string();
        assert!(
            error.starts_with("label of db: 'engin': there is no such setting"),
            "{error}"
        );
    }
}
