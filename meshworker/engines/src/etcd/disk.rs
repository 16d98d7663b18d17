//! What is on a member's disk before etcd is started.
//!
//! A member's identity is its data directory: the first record of its oldest log file
//! (`member/wal/*.wal`) has its id and its cluster's. A frame is eight bytes, little endian,
//! with the record's length in the lower 56 bits, and a record is a protocol buffer:
//! `{1: type, 2: crc, 3: data}`, where a record of type 1 has `{1: node, 2: cluster}` as
//! its data (etcd, `server/storage/wal/walpb/record.proto`; both read on 3.4 and 3.5).

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use meshworker_core::{Disk, Holds, Ids};

/// The name of etcd's data directory in a slot's.
pub const DATA: &str = "etcd";

/// The first records are two, and short.
const LONGEST: u64 = 4096;

/// What etcd has in this slot's directory.
pub fn disk(directory: &Path) -> Disk {
    match ids(&directory.join(DATA)) {
        Ok(None) => Disk::Nothing,
        Ok(Some(ids)) => Disk::Holds(Holds {
            ids: Some(ids),
            ..Holds::default()
        }),
        Err(why) => Disk::Unreadable(why.to_string().into()),
    }
}

fn ids(data: &Path) -> io::Result<Option<Ids>> {
    let logs = data.join("member/wal");
    let Some(oldest) = oldest(&logs)? else {
        // What a refused start leaves behind does no harm; a store without its log does.
        let stores = data.join("member/snap/db");
        return match stores.try_exists()? {
            true => Err(io::Error::other(
                "it has a store and no log: etcd/member/wal",
            )),
            false => Ok(None),
        };
    };
    let mut bytes = Vec::new();
    File::open(&oldest)?.take(LONGEST).read_to_end(&mut bytes)?;
    let read = metadata(&bytes);
    let (node, cluster) = read.ok_or_else(|| {
        let name = oldest.file_name().unwrap_or_default().to_string_lossy();
        io::Error::other(format!("no ids in etcd/member/wal/{name}"))
    })?;
    Ok(Some(Ids {
        node: format!("{node:x}").into(),
        cluster: format!("{cluster:x}").into(),
    }))
}

/// The log file with the lowest number; none where there is none.
fn oldest(logs: &Path) -> io::Result<Option<PathBuf>> {
    let entries = match fs::read_dir(logs) {
        Ok(entries) => entries,
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(why),
    };
    let mut oldest: Option<PathBuf> = None;
    for entry in entries {
        let path = entry?.path();
        let is_log = path.extension().is_some_and(|end| end == "wal");
        if is_log && oldest.as_ref().is_none_or(|before| path < *before) {
            oldest = Some(path);
        }
    }
    Ok(oldest)
}

/// The ids in the first record of its kind.
pub fn metadata(mut bytes: &[u8]) -> Option<(u64, u64)> {
    loop {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let length = u64::from_le_bytes(*length);
        let padding = match length >> 63 {
            1 => usize::try_from((length >> 56) & 7).ok()?,
            _ => 0,
        };
        let length = usize::try_from(length & ((1 << 56) - 1)).ok()?;
        let record = rest.get(..length)?;
        if field(record, 1)?.0 == 1 {
            let data = field(record, 3)?.1;
            return Some((field(data, 1)?.0, field(data, 2)?.0));
        }
        bytes = rest.get(length.checked_add(padding)?..)?;
    }
}

/// A field of a protocol buffer: its number, or its bytes.
fn field(mut buffer: &[u8], wanted: u64) -> Option<(u64, &[u8])> {
    while !buffer.is_empty() {
        let (key, rest) = varint(buffer)?;
        let (number, bytes, rest) = match key & 7 {
            0 => {
                let (number, rest) = varint(rest)?;
                (number, &[][..], rest)
            }
            2 => {
                let (length, rest) = varint(rest)?;
                let (bytes, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                (length, bytes, rest)
            }
            _ => return None,
        };
        if key >> 3 == wanted {
            return Some((number, bytes));
        }
        buffer = rest;
    }
    None
}

fn varint(buffer: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (position, byte) in buffer.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(position).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((value, buffer.get(position + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log as etcd writes it: a record with a checksum alone, then the ids.
    fn log(node: u64, cluster: u64) -> Vec<u8> {
        let push = |out: &mut Vec<u8>, mut value: u64| {
            while value >= 0x80 {
                out.push((value & 0x7f) as u8 | 0x80);
                value >>= 7;
            }
            out.push(value as u8);
        };
        let mut ids = vec![0x08];
        push(&mut ids, node);
        ids.push(0x10);
        push(&mut ids, cluster);
        let mut record = vec![0x08, 1, 0x10, 7, 0x1a, ids.len() as u8];
        record.extend(&ids);
        let mut bytes = Vec::new();
        for (record, padding) in [(vec![0x08, 4, 0x10, 0], 4_u64), (record, 0)] {
            let padded = if padding > 0 {
                (0x80 | padding) << 56
            } else {
                0
            };
            bytes.extend((record.len() as u64 | padded).to_le_bytes());
            bytes.extend(&record);
            bytes.extend(vec![0; padding as usize]);
        }
        bytes
    }

    #[test]
    fn the_ids_stand_in_the_first_record_of_the_oldest_log() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(disk(folder.path()), Disk::Nothing);
        let logs = folder.path().join("etcd/member/wal");
        fs::create_dir_all(&logs).unwrap();
        assert_eq!(disk(folder.path()), Disk::Nothing, "a refused start");
        let (node, cluster) = (0x8e9e_05c5_2164_694d, 0xcdf8_1819_4e3a_8c32);
        fs::write(
            logs.join("0000000000000000-0000000000000000.wal"),
            log(node, cluster),
        )
        .unwrap();
        fs::write(
            logs.join("0000000000000001-0000000000000009.wal"),
            log(1, 2),
        )
        .unwrap();
        fs::write(logs.join("0.tmp"), "").unwrap();
        let Disk::Holds(Holds { ids: Some(ids), .. }) = disk(folder.path()) else {
            panic!("{:?}", disk(folder.path()));
        };
        assert_eq!(
            (&*ids.node, &*ids.cluster),
            ("8e9e05c52164694d", "cdf818194e3a8c32")
        );
    }

    /// It would be begun anew beside its own store.
    #[test]
    fn a_store_whose_log_is_gone_or_cut_short_is_not_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let member = folder.path().join("etcd/member");
        fs::create_dir_all(member.join("snap")).unwrap();
        fs::write(member.join("snap/db"), "").unwrap();
        assert!(matches!(disk(folder.path()), Disk::Unreadable(_)));
        fs::create_dir_all(member.join("wal")).unwrap();
        let whole = log(7, 9);
        for length in 0..whole.len() {
            fs::write(member.join("wal/0.wal"), &whole[..length]).unwrap();
            assert!(
                matches!(disk(folder.path()), Disk::Unreadable(_)),
                "{length}"
            );
        }
    }
}
