//! DNS names, or an address in place of them.

use std::net::IpAddr;

use futures_util::future::join_all;
use meshworker_core::{Grade, Report, Witness};

use super::{DnsOptions, DnsSource, InvalidName, Source};

/// DNS names, or an address in place of them.
#[derive(Debug)]
pub enum Whereabouts {
    /// An address, which is what it stands for.
    Literal(IpAddr),
    /// Names, which a name server is asked for.
    Names(Vec<DnsSource>),
}

/// What a place stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether the name server says that there is nobody.
    pub gone: bool,
    /// How good the answer is: why there are no addresses.
    pub why: String,
}

impl Whereabouts {
    /// The place with this name, or with these, parted by commas, which are asked for in
    /// this way.
    ///
    /// # Errors
    ///
    /// It is neither an address nor a DNS name.
    pub fn new(text: &str, options: DnsOptions) -> Result<Whereabouts, InvalidName> {
        match text.parse() {
            Ok(address) => Ok(Whereabouts::Literal(address)),
            Err(_) => {
                let names = text.split(',').map(str::trim);
                let sources = names.map(|name| DnsSource::new(name, options.clone()));
                Ok(Whereabouts::Names(sources.collect::<Result<_, _>>()?))
            }
        }
    }

    /// Asks for it once.
    pub async fn look(&self) -> Found {
        let sources = match self {
            Whereabouts::Literal(address) => {
                return Found {
                    addresses: vec![*address],
                    gone: false,
                    why: String::new(),
                };
            }
            Whereabouts::Names(sources) => sources,
        };
        let reports = join_all(sources.iter().map(Source::report)).await;
        let report = Report::together(Witness::Dns, reports);
        let nobody = matches!(report.grade, Grade::Empty | Grade::NxDomain);
        Found {
            addresses: report.sightings.iter().map(|s| s.address.address).collect(),
            gone: nobody && report.sightings.is_empty(),
            why: report.grade.to_string(),
        }
    }
}
