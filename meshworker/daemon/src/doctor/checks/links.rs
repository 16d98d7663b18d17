//! Whether an overlay's packets fit the links that carry them.

use crate::doctor::{Facts, Link};
use meshworker_doctor::check::Check;
use meshworker_doctor::finding::{Finding, Severity};

/// What an overlay takes the links for where nothing is said. What VXLAN needs of
/// that the driver takes off itself.
/// Source: moby, `libnetwork/drivers/overlay`, `maxMTU`.
const DEFAULT: usize = 1500;

pub const CHECK: Check<Facts> = Check {
    name: "mtu",
    finds: "links of this machine that are too narrow for an overlay's packets",
    run: |facts| {
        let links = facts.links.as_ref().map_err(Clone::clone)?;
        let narrowest: Option<&Link> = links
            .iter()
            .filter(|link| link.is_device)
            .min_by_key(|link| link.mtu);
        let link = narrowest.ok_or(
            "the links between nodes are not visible from here; run it on the nodes themselves",
        )?;
        let overlays = match &facts.overlays {
            Ok(overlays) => overlays
                .iter()
                .map(|overlay| (overlay.name.clone(), overlay.mtu))
                .collect(),
            // Without the API: one as Docker makes it.
            Err(_) => vec![("any overlay".to_owned(), None)],
        };
        let widest = links
            .iter()
            .filter(|link| link.is_device)
            .map(|link| link.mtu)
            .max();
        let fits = |mtu: Option<usize>, link: usize| mtu.unwrap_or(DEFAULT) <= link;
        // Which link the nodes use for each other is not known here, nor, without
        // the API, whether there is any overlay.
        let severity = |mtu| match widest.is_some_and(|widest| fits(mtu, widest)) {
            false if facts.overlays.is_ok() => Severity::Error,
            _ => Severity::Warning,
        };
        let narrow = overlays
            .into_iter()
            .filter(|(_, mtu)| !fits(*mtu, link.mtu));
        Ok(narrow
            .map(|(name, mtu)| {
                let what = format!(
                    "The link {} carries {} bytes, and {name} takes it for one of {}.",
                    link.name,
                    link.mtu,
                    mtu.unwrap_or(DEFAULT)
                );
                Finding::new(severity(mtu), format!("link {}", link.name), what)
                    .why("Large packets vanish between nodes: small requests work, and data transfers hang.")
                    .instead(format!(
                        "networks:\n  cluster:\n    driver_opts:\n      com.docker.network.driver.mtu: \"{}\"",
                        link.mtu
                    ))
            })
            .collect())
    },
};
