//! A DNS name, or an address in place of one.

use std::net::IpAddr;

use meshworker_core::Grade;

use super::{DnsOptions, DnsSource, InvalidName, Source};

/// A DNS name, or an address in place of one.
#[derive(Debug)]
pub enum Place {
    /// An address, which is what it stands for.
    Literal(IpAddr),
    /// A name, which a name server is asked for.
    Name(Box<DnsSource>),
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

impl Place {
    /// The place with this name, which is asked for in this way.
    ///
    /// # Errors
    ///
    /// It is neither an address nor a DNS name.
    pub fn new(text: &str, options: DnsOptions) -> Result<Place, InvalidName> {
        match text.parse() {
            Ok(address) => Ok(Place::Literal(address)),
            Err(_) => Ok(Place::Name(Box::new(DnsSource::new(text, options)?))),
        }
    }

    /// Asks for it once.
    pub async fn look(&self) -> Found {
        let source = match self {
            Place::Literal(address) => {
                return Found {
                    addresses: vec![*address],
                    gone: false,
                    why: String::new(),
                };
            }
            Place::Name(source) => source,
        };
        let report = source.report().await;
        Found {
            addresses: report.sightings.iter().map(|s| s.address).collect(),
            gone: matches!(report.grade, Grade::Empty | Grade::NxDomain),
            why: report.grade.to_string(),
        }
    }
}
