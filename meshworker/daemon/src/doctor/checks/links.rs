//! Whether an overlay's packets fit the links that carry them.

use crate::doctor::{Facts, Link};
use meshworker_doctor::check::Check;
use meshworker_doctor::finding::{Finding, Severity};

/// What VXLAN puts around each packet, in bytes.
/// Source: RFC 7348, section 5, over IPv4.
const VXLAN: usize = 50;

/// What an overlay takes for itself where nothing is said.
const DEFAULT: usize = 1450;

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
        let fits = |mtu: Option<usize>, link: usize| mtu.unwrap_or(DEFAULT) + VXLAN <= link;
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
                    "The link {} carries {} bytes, and packets of {name} have up to {} with VXLAN around them.",
                    link.name,
                    link.mtu,
                    mtu.unwrap_or(DEFAULT) + VXLAN
                );
                Finding::new(severity(mtu), format!("link {}", link.name), what)
                    .why("Large packets vanish between nodes: small requests work, and data transfers hang.")
                    .instead(format!(
                        "networks:\n  cluster:\n    driver_opts:\n      com.docker.network.driver.mtu: \"{}\"",
                        link.mtu.saturating_sub(VXLAN)
                    ))
            })
            .collect())
    },
};
