//! Which server a node runs, and whose data it can read.
//!
//! Whatever leaves a server as a whole, a file, a full copy for a replica, a key in
//! `MIGRATE`, bears the version of its format (`RDB_VERSION` in `src/rdb.h`), and a
//! server reads its own and lower ones. So data goes to newer servers only.

use std::fmt;

use serde::{Serialize, Serializer};

use super::detail::field;

/// Who makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Product {
    Redis,
    Valkey,
}

/// A server's product and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    product: Product,
    version: (u16, u16, u16),
}

impl Release {
    /// From `INFO server`; none where it does not tell.
    pub fn parse(info: &str) -> Option<Release> {
        // Valkey calls itself Redis 7.2.4 as well, for the sake of clients.
        let valkey = field(info, "valkey_version").map(|version| (Product::Valkey, version));
        let redis = || field(info, "redis_version").map(|version| (Product::Redis, version));
        let (product, version) = valkey.or_else(redis)?;
        let mut numbers = version.split('.').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        Some(Release {
            product,
            version: (next()?, next()?, next().unwrap_or(0)),
        })
    }

    /// The version of the format that it writes, and of later servers, whose formats
    /// are not known here, their own version: each may have a new one.
    fn format(self) -> (u16, u16, u16) {
        let (major, minor, _) = self.version;
        let known = match (self.product, major, minor) {
            (Product::Valkey, 0..=8, _) | (Product::Redis, 7, 1..=2) => 11,
            (Product::Redis, 0..=6, _) => 9,
            (Product::Redis, 7, 0) => 10,
            (Product::Redis, 7, _) | (Product::Redis, 8, 0) => 12,
            (Product::Redis, ..) => return (13, major, minor),
            (Product::Valkey, ..) => return (80, major, minor),
        };
        (known, 0, 0)
    }

    /// Whether it can read what the other one wrote.
    pub fn reads(self, other: Release) -> bool {
        let (own, theirs) = (self.format(), other.format());
        // Valkey refuses what Redis has written since the two went apart (the
        // "foreign" versions in its `src/rdb.h`).
        let foreign = self.product == Product::Valkey && (12..80).contains(&theirs.0);
        theirs <= own && !foreign
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = self.version;
        write!(f, "{:?} {major}.{minor}.{patch}", self.product)
    }
}

impl Serialize for Release {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redis(version: &str) -> Release {
        Release::parse(&format!("redis_version:{version}\r\n")).unwrap()
    }

    fn valkey(version: &str) -> Release {
        let info = format!("redis_version:7.2.4\r\nvalkey_version:{version}\r\n");
        Release::parse(&info).unwrap()
    }

    #[test]
    fn a_server_says_what_it_is() {
        assert_eq!(redis("7.0.15").to_string(), "Redis 7.0.15");
        assert_eq!(redis("255.255.255").to_string(), "Redis 255.255.255");
        assert_eq!(valkey("8.0.1").to_string(), "Valkey 8.0.1");
        assert_eq!(Release::parse("role:master\r\n"), None);
        assert_eq!(Release::parse("redis_version:next\r\n"), None);
    }

    /// As tried with real servers, where both are old enough for that.
    #[test]
    fn data_goes_to_newer_servers_only() {
        let (old, new, head) = (redis("7.0.15"), redis("7.4.1"), redis("255.255.255"));
        let kin = valkey("8.0.1");
        for (from, to, both) in [
            (old, new, false),
            (new, head, false),
            (old, kin, false),
            (kin, new, false),
            (kin, valkey("8.1.0"), true),
            (kin, valkey("9.0.0"), false),
            (new, redis("8.0.0"), true),
            (redis("7.0.4"), old, true),
        ] {
            assert!(to.reads(from), "{from} => {to}");
            assert_eq!(from.reads(to), both, "{to} => {from}");
        }
        for later in [valkey("9.0.0"), kin] {
            assert!(!later.reads(new) && !later.reads(head), "{later}");
        }
    }
}
