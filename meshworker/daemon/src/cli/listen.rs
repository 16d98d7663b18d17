//! Where `meshworker run` listens: for members, and for operators.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use meshworker_group::Seat;

use crate::config::setting::{GOSSIP, PROCESS};
use crate::config::{Given, Invalid, Origin, Reader, seconds_or_zero, some_text};
use crate::gossip;
use crate::group;
use crate::http::certificate::Certificate;
use crate::http::{Names, Readers, Tokens};
use crate::init::number_of;
use crate::process::{ApiListen, Listen};
use crate::proof::Door;
use crate::token_file::TokenFile;
use crate::witness::DnsOptions;

use super::Failed;

const TOKEN_FILE: &str = "token-file";
const API_TOKEN_FILE: &str = "api-token-file";
const API_READ_TOKEN_FILE: &str = "api-read-token-file";
const GROUP_TOKEN_FILE: &str = "group-token-file";

/// Where workers speak to each other, as the table of settings has it.
const GROUP_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 4749);

const API_NAMES: &str = "api-names";
const API_CERT_FILE: &str = "api-cert-file";
const GOSSIP_CERT_FILE: &str = "gossip-cert-file";
const GOSSIP_TOKEN_FILE: &str = "gossip-token-file";

/// No more connections can be set.
const MOST_MEMBERS: usize = 65_536;

type Settings = BTreeMap<String, Given>;

/// Where members are listened to, and the tokens that they have.
type Members = (SocketAddr, TokenFile);

/// Where to listen for members, with which tokens; and for operators.
///
/// # Errors
///
/// An address is none, or there is no token that members could be asked for.
pub fn places(given: &Settings) -> Result<(Option<Members>, Option<SocketAddr>), Invalid> {
    let mut reader = Reader::new(PROCESS, given);
    let parse = |text: &str| text.parse().ok();
    let members = reader.optional("listen", "ADDR:PORT, such as 0.0.0.0:4747", parse)?;
    let members = match members {
        None => None,
        Some(address) => match reader.optional(TOKEN_FILE, "a file", some_text)? {
            Some(file) => Some((address, TokenFile::new(file))),
            None => {
                let found = "nothing beside listen".into();
                return Err(reader.invalid(TOKEN_FILE, found, "a file that holds a token"));
            }
        },
    };
    let operators = reader.optional("api-listen", "ADDR:PORT, such as 0.0.0.0:4748", parse)?;
    Ok((members, operators))
}

/// What it takes to listen where these settings say; none where nobody is listened to.
///
/// # Errors
///
/// A setting cannot be used.
pub fn read(given: &Settings) -> Result<(Option<Listen>, Option<ApiListen>), Failed> {
    let (members, operators) = places(given)?;
    let members = members.map(|(address, file)| listen(given, address, file));
    let operators = operators.map(|address| api_listen(given, address));
    Ok((members.transpose()?, operators.transpose()?))
}

/// How this worker finds the others; none where it works alone.
///
/// # Errors
///
/// A setting cannot be used.
pub fn group(given: &Settings) -> Result<Option<group::Settings>, Failed> {
    let mut reader = Reader::new(PROCESS, given);
    let text = |name: &str| {
        let given = given.get(name).map(|given| given.value.trim().to_owned());
        given.filter(|text| !text.is_empty())
    };
    let slot: Option<u64> = reader.optional("slot", "a number, or a pod's name", number_of)?;
    let address = |text: &str| text.parse().ok();
    let listen = reader.optional("group-listen", "ADDR:PORT, such as 0.0.0.0:4749", address)?;
    let (Some(slot), Some(workers)) = (slot, text("workers")) else {
        return Ok(None);
    };
    let files = [GROUP_TOKEN_FILE, API_TOKEN_FILE, TOKEN_FILE];
    let Some(name) = files.into_iter().find(|name| given.contains_key(*name)) else {
        return Ok(None);
    };
    let token_file = TokenFile::new(text(name).unwrap_or_default());
    token_file
        .read()
        .map_err(|why| unusable(given, name, why))?;
    Ok(Some(group::Settings {
        listen: listen.unwrap_or(GROUP_LISTEN),
        token_file,
        workers,
        dns: DnsOptions::default(),
        service: text("service"),
        seat: Seat {
            slot,
            node: text("node-name"),
            task: text("task").unwrap_or_default(),
        },
        state: text("state").map(PathBuf::from),
        preferred: text("preferred"),
    }))
}

/// Where this process is a gossip router; `at` where nothing is said of that.
///
/// # Errors
///
/// A setting cannot be used.
pub fn gossip(
    given: &Settings,
    at: Option<SocketAddr>,
) -> Result<Option<gossip::Settings>, Failed> {
    let mut reader = Reader::new(GOSSIP, given);
    let address = |text: &str| text.parse().ok();
    let listen = reader.optional("gossip-listen", "ADDR:PORT, such as 0.0.0.0:12001", address)?;
    let Some(listen) = listen.or(at) else {
        return Ok(None);
    };
    let tls = match reader.both([GOSSIP_CERT_FILE, "gossip-key-file"], some_text)? {
        None => None,
        Some((cert, key)) => Some(certificate(given, GOSSIP_CERT_FILE, &cert, &key)?),
    };
    let expiry = reader.required("gossip-expiry", "seconds, or 0", seconds_or_zero)?;
    let count = |text: &str| {
        text.parse()
            .ok()
            .filter(|count| (1..=MOST_MEMBERS).contains(count))
    };
    let connections = reader.required("gossip-connections", "a number from 1 to 65536", count)?;
    let share = reader.required(
        "gossip-share-listen",
        "ADDR:PORT, such as 0.0.0.0:4750",
        address,
    )?;
    let named = reader.optional("gossip-routers", "a name", some_text)?;
    let workers = given
        .get("workers")
        .and_then(|given| some_text(&given.value));
    let files = [
        GOSSIP_TOKEN_FILE,
        GROUP_TOKEN_FILE,
        API_TOKEN_FILE,
        TOKEN_FILE,
    ];
    let file = files.into_iter().find(|name| given.contains_key(*name));
    let sharing = match (named.clone().or(workers), file) {
        (Some(routers), Some(name)) => {
            let token_file = file_of(given, name);
            token_file
                .read()
                .map_err(|why| unusable(given, name, why))?;
            Some(gossip::Sharing {
                listen: share,
                token_file,
                routers,
                dns: DnsOptions::default(),
            })
        }
        (Some(_), None) if named.is_some() => {
            let found = "nothing beside gossip-routers".into();
            let wanted = "a file that holds a token";
            return Err(reader.invalid(GOSSIP_TOKEN_FILE, found, wanted).into());
        }
        _ => None,
    };
    Ok(Some(gossip::Settings {
        listen,
        tls,
        expiry: (!expiry.is_zero()).then_some(expiry),
        connections,
        share: sharing,
    }))
}

fn certificate(
    given: &Settings,
    setting: &'static str,
    cert: &str,
    key: &str,
) -> Result<Arc<Certificate>, Failed> {
    let read = Certificate::read(setting, Path::new(cert), Path::new(key));
    read.map(Arc::new)
        .map_err(|why| unusable(given, setting, why))
}

fn listen(given: &Settings, address: SocketAddr, token_file: TokenFile) -> Result<Listen, Failed> {
    let door = Door::of(token_file.clone()).map_err(|why| unusable(given, TOKEN_FILE, why))?;
    not_shared(
        given,
        TOKEN_FILE,
        API_TOKEN_FILE,
        "members could give orders",
    )?;
    Ok(Listen {
        address,
        door,
        token_file,
    })
}

fn api_listen(given: &Settings, address: SocketAddr) -> Result<ApiListen, Failed> {
    let token = tokens(given, API_TOKEN_FILE)?;
    let names = given.get(API_NAMES).map(|names| Names::list(&names.value));
    let names = names.transpose();
    let mut reader = Reader::new(PROCESS, given);
    let tls = match reader.both([API_CERT_FILE, "api-key-file"], some_text)? {
        None => None,
        Some((cert, key)) => Some(certificate(given, API_CERT_FILE, &cert, &key)?),
    };
    let readers = tokens(given, API_READ_TOKEN_FILE)?.map(|own| Readers {
        own,
        operators: token.clone(),
    });
    if readers.is_some() {
        for (other, could) in [
            (TOKEN_FILE, "readers could announce members"),
            (API_TOKEN_FILE, "readers could give orders"),
        ] {
            not_shared(given, API_READ_TOKEN_FILE, other, could)?;
        }
    }
    Ok(ApiListen {
        address,
        token,
        readers,
        names: names
            .map_err(|why| unusable(given, API_NAMES, why))?
            .unwrap_or_default(),
        tls,
    })
}

fn file_of(given: &Settings, name: &str) -> TokenFile {
    file(given, name).unwrap_or_else(|| TokenFile::new(""))
}

fn file(given: &Settings, name: &str) -> Option<TokenFile> {
    Some(TokenFile::new(&given.get(name)?.value))
}

fn tokens(given: &Settings, name: &str) -> Result<Option<Tokens>, Failed> {
    let tokens = file(given, name).map(Tokens::in_file);
    tokens.transpose().map_err(|why| unusable(given, name, why))
}

/// Refuses one token for two purposes.
fn not_shared(given: &Settings, name: &str, other: &str, or: &str) -> Result<(), Failed> {
    match (file(given, name), file(given, other)) {
        (Some(one), Some(two)) if one.shares_with(&two) => {
            let why = format!("found a token that {other} has too; allowed: others, or {or}");
            Err(unusable(given, name, why))
        }
        _ => Ok(()),
    }
}

fn unusable(given: &Settings, name: &str, why: impl Display) -> Failed {
    let given = given.get(name);
    let origin = given.map_or(Origin::Default, |given| given.origin.clone());
    Failed::Input(format!("{name} ({origin}): {why}"))
}
