//! Which slot a key is in, and who owns a slot.

use std::net::{IpAddr, SocketAddr};

use redis::Value;

/// So many slots has every cluster.
pub(super) const SLOTS: u16 = 16_384;

/// The slot of a key without braces: CRC-16/XMODEM of all of it.
pub(super) fn slot_of(key: &str) -> u16 {
    let mut crc: u16 = 0;
    for byte in key.bytes() {
        crc ^= u16::from(byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            };
        }
    }
    crc % SLOTS
}

/// The owners of all slots by one member's word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct SlotMap {
    /// First slot, last slot, owner; sorted.
    ranges: Vec<(u16, u16, SocketAddr)>,
}

impl SlotMap {
    /// Reads the reply to `CLUSTER SLOTS` of the member at this address.
    pub fn read(reply: &Value, asked: SocketAddr) -> Option<Self> {
        let Value::Array(entries) = reply else {
            return None;
        };
        let mut ranges = Vec::new();
        for entry in entries {
            let Value::Array(fields) = entry else {
                return None;
            };
            let [Value::Int(first), Value::Int(last), Value::Array(owner), ..] = fields.as_slice()
            else {
                return None;
            };
            let [host, Value::Int(port), ..] = owner.as_slice() else {
                return None;
            };
            let host: IpAddr = match host {
                Value::BulkString(host) if !host.is_empty() => {
                    std::str::from_utf8(host).ok()?.parse().ok()?
                }
                // "The address at which you reached me."
                _ => asked.ip(),
            };
            let owner = SocketAddr::new(host, u16::try_from(*port).ok()?);
            ranges.push((
                u16::try_from(*first).ok()?,
                u16::try_from(*last).ok()?,
                owner,
            ));
        }
        ranges.sort_unstable();
        Some(Self { ranges })
    }

    /// Whether every slot has an owner.
    pub fn is_full(&self) -> bool {
        let covered: u32 = self
            .ranges
            .iter()
            .map(|(first, last, _)| u32::from(last.saturating_sub(*first)) + 1)
            .sum();
        covered == u32::from(SLOTS)
    }

    /// The owner of a slot.
    pub fn owner(&self, slot: u16) -> Option<SocketAddr> {
        let mut ranges = self.ranges.iter();
        ranges
            .find(|(first, last, _)| (*first..=*last).contains(&slot))
            .map(|(_, _, owner)| *owner)
    }

    /// All owners.
    pub fn owners(&self) -> impl Iterator<Item = SocketAddr> {
        self.ranges.iter().map(|(_, _, owner)| *owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slots_that_the_specification_names() {
        // The check value of this CRC, and a key whose slot the tutorial shows.
        assert_eq!(slot_of("123456789"), 0x31C3 % SLOTS);
        assert_eq!(slot_of("foo"), 12_182);
    }

    #[test]
    fn a_map_is_read_and_knows_whether_it_is_full() {
        let entry = |first: i64, last: i64, host: &str| {
            let owner = vec![Value::BulkString(host.into()), Value::Int(6379)];
            Value::Array(vec![
                Value::Int(first),
                Value::Int(last),
                Value::Array(owner),
            ])
        };
        let asked: SocketAddr = "10.0.0.9:6379".parse().unwrap();
        let half = Value::Array(vec![entry(0, 8191, "10.0.0.1")]);
        let map = SlotMap::read(&half, asked).unwrap();
        assert!(!map.is_full());
        assert_eq!(map.owner(8192), None);
        let full = Value::Array(vec![entry(8192, 16_383, ""), entry(0, 8191, "10.0.0.1")]);
        let map = SlotMap::read(&full, asked).unwrap();
        assert!(map.is_full());
        assert_eq!(map.owner(8192), Some(asked));
        assert_eq!(map.owner(0), Some("10.0.0.1:6379".parse().unwrap()));
        assert_eq!(SlotMap::read(&Value::Int(1), asked), None);
    }
}
