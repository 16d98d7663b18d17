//! Under which names operators may call this server, and from which pages.
//!
//! A page in an operator's browser can give its own name this server's address,
//! and then reads with the operator's reach: by that name it is answered nothing.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use meshworker_core::Told;

use super::Problem;

/// What is answered besides the names that are given.
const ALWAYS: &str = "an address, localhost, a name without dots, tasks.SERVICE of a swarm";

/// The names under which operators may call this server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(Vec<String>);

/// A name that can be none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found '{0}'; allowed: DNS names without port, comma between")]
pub struct NoName(String);

impl Names {
    /// The names of a list, with commas between.
    ///
    /// # Errors
    ///
    /// One of them is no name.
    pub fn list(text: &str) -> Result<Names, NoName> {
        let names = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let names = names.map(|name| {
            let is_name = name.len() <= 253 && name.chars().all(allowed);
            is_name
                .then(|| plain(name))
                .ok_or_else(|| NoName(Told::<300>::from(name).into_string()))
        });
        Ok(Names(names.collect::<Result<_, _>>()?))
    }

    /// The same, and these besides: places that are names of this worker anyway.
    pub fn and(mut self, others: impl IntoIterator<Item = String>) -> Names {
        self.0.extend(others.into_iter().map(|name| plain(&name)));
        self
    }

    /// Whether a request may come under this name, with or without a port.
    fn allow(&self, host: &str) -> bool {
        let Some(name) = without_port(host).map(plain) else {
            return false;
        };
        is_address(&name) || is_inside(&name) || self.0.contains(&name)
    }
}

/// These routes, for requests under these names.
pub fn guarded(names: Names, router: Router) -> Router {
    router.layer(axum::middleware::from_fn_with_state(Arc::new(names), check))
}

async fn check(State(names): State<Arc<Names>>, request: Request, next: Next) -> Response {
    if let Some(found) = stranger(&names, request.uri(), request.headers()) {
        let given = names.0.join(", ");
        let comma = if given.is_empty() { "" } else { ", " };
        let error = format!(
            "host: found '{found}'; allowed: {given}{comma}{ALWAYS}; others are given by api-names"
        );
        return Problem::new(StatusCode::MISDIRECTED_REQUEST, error).into_response();
    }
    if is_from_elsewhere(request.method(), request.headers()) {
        let error = "sec-fetch-site: found 'cross-site'; allowed: a page of this worker, or none";
        return Problem::new(StatusCode::FORBIDDEN, error).into_response();
    }
    next.run(request).await
}

/// The first name of a request that is none of this server's. Every browser sends
/// one; what sends none is none.
fn stranger(names: &Names, uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let hosts = headers.get_all(header::HOST).iter();
    let hosts = hosts.map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    let mut all = hosts.chain(uri.authority().map(ToString::to_string));
    all.find(|host| !names.allow(host))
}

/// Whether another site's page asks. That a person follows a link is no harm.
fn is_from_elsewhere(method: &Method, headers: &HeaderMap) -> bool {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|found| found == value);
    let follows = method == Method::GET && is("sec-fetch-mode", "navigate");
    is("sec-fetch-site", "cross-site") && !follows
}

fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// The name before the port, if what follows it is a port or nothing.
fn without_port(host: &str) -> Option<&str> {
    let end = match host.strip_prefix('[') {
        Some(_) => host.find(']')? + 1,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, rest) = host.split_at_checked(end)?;
    let port = rest.strip_prefix(':').unwrap_or(rest);
    let is_port = port.chars().all(|c| c.is_ascii_digit()) && (rest.is_empty() || port != rest);
    is_port.then_some(name)
}

fn is_address(name: &str) -> bool {
    let six = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    match six {
        Some(six) => six.parse::<Ipv6Addr>().is_ok(),
        None => name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_ipv4()),
    }
}

/// Whether only a container, or a machine of the same house, can mean something by
/// this name. Nobody can own such a name in the world's DNS: it has no dot, or ends
/// in what is no top-level domain.
fn is_inside(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let label = |text: &str| !text.is_empty() && text.chars().all(plain);
    let no_domain = |text: &str| {
        let no_letter = |c: char| !c.is_ascii_alphabetic();
        text == "meshworker" || text.contains(no_letter) && !text.starts_with("xn--")
    };
    let of_swarm = |service: &str| label(service) && no_domain(service);
    label(name) || name.ends_with(".localhost") || name.strip_prefix("tasks.").is_some_and(of_swarm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_gave_its_own_name_the_workers_address() {
        let names = Names::list("ops.example.com, Mesh.Example.").unwrap();
        for good in [
            "10.0.1.7:4748",
            "10.0.1.7",
            "[fd00::7]:4748",
            "[::1]",
            "localhost:4748",
            "node3:4748",
            "tasks.cache_meshworker:4748",
            "tasks.meshworker:4748",
            "TASKS.cache_meshworker.",
            "ops.example.com:80",
            "mesh.example",
            "localhost:",
        ] {
            assert!(names.allow(good), "{good}");
        }
        for bad in [
            "evil.example",
            "evil.example:4748",
            "10.0.1.7.evil.example",
            "localhost.evil.example",
            "tasks.evil.example",
            "tasks.com",
            "tasks.xn--p1ai",
            "ops.example.com.evil.example",
            "a.ops.example.com",
            "[evil.example]",
            "[::1",
            "",
            ":4748",
            "fd00::7",
            "10.0.1.7:80@evil.example",
            "localhost:evil.example",
            "[::1].evil.example",
            "[::1]evil",
            "[::1]80",
        ] {
            assert!(!names.allow(bad), "{bad}");
        }
        assert_eq!(Names::list("").unwrap(), Names::default());
        for bad in ["a b", "http://x", "x:80", "ü.example"] {
            assert!(Names::list(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_another_sites_page_asks_for_is_refused_and_a_link_is_followed() {
        let from = |method: Method, site: &str, mode: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("sec-fetch-site", site.parse().unwrap());
            headers.insert("sec-fetch-mode", mode.parse().unwrap());
            is_from_elsewhere(&method, &headers)
        };
        assert!(from(Method::GET, "cross-site", "no-cors"));
        assert!(from(Method::GET, "cross-site", "cors"));
        assert!(from(Method::POST, "cross-site", "navigate"));
        assert!(!from(Method::GET, "cross-site", "navigate"));
        assert!(!from(Method::GET, "same-origin", "cors"));
        assert!(!is_from_elsewhere(&Method::GET, &HeaderMap::new()));
    }
}
