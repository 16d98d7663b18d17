//! Until when a certificate is valid, whose it is, and who signed it.
//!
//! Of the certificate only these are read, by the order of its first fields
//! (RFC 5280, section 4.1): whether it is one that anybody trusts is the library's
//! affair.

use std::time::{Duration, SystemTime};

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The moment after which this certificate, in DER, is no longer valid; none when
/// it cannot be read.
pub(super) fn not_after(certificate: &[u8]) -> Option<SystemTime> {
    let (certificate, _) = value(certificate, SEQUENCE)?;
    let (mut fields, _) = value(certificate, SEQUENCE)?;
    if let Some((_, rest)) = value(fields, VERSION) {
        fields = rest;
    }
    // Serial number, algorithm, issuer.
    for _ in 0..3 {
        fields = any(fields)?.2;
    }
    let (validity, _) = value(fields, SEQUENCE)?;
    let (_, _, rest) = any(validity)?;
    let (kind, text, _) = any(rest)?;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    moment(kind, text)
}

/// By whom this certificate, in DER, was signed, and whose it is, as they stand in
/// it; none when it cannot be read.
pub(super) fn issuer_and_subject(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (certificate, _) = value(certificate, SEQUENCE)?;
    let (mut fields, _) = value(certificate, SEQUENCE)?;
    if let Some((_, rest)) = value(fields, VERSION) {
        fields = rest;
    }
    // Serial number, algorithm.
    for _ in 0..2 {
        fields = any(fields)?.2;
    }
    let (issuer, rest) = value(fields, SEQUENCE)?;
    // Validity.
    let (subject, _) = value(any(rest)?.2, SEQUENCE)?;
    Some((issuer, subject))
}

/// `YYMMDDhhmmss`, of 1950 to 2049, or `YYYYMMDDhhmmss`.
fn moment(kind: u8, text: &str) -> Option<SystemTime> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match (kind, text.len()) {
        (UTC_TIME, 12) => {
            let year: u64 = text.get(..2)?.parse().ok()?;
            (
                if year < 50 { 2000 + year } else { 1900 + year },
                text.get(2..)?,
            )
        }
        (GENERALIZED_TIME, 14) => (text.get(..4)?.parse().ok()?, text.get(4..)?),
        _ => return None,
    };
    let part = |at: usize| -> Option<u64> { rest.get(at..at + 2)?.parse().ok() };
    let (month, day) = (part(0)?, part(2)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let days = days_before(year, month)?.checked_add(day - 1)?;
    let seconds = days * 86_400 + part(4)? * 3600 + part(6)? * 60 + part(8)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Days from 1970 to the first of this month; none before 1970.
fn days_before(year: u64, month: u64) -> Option<u64> {
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    let last = year.checked_sub(1)?;
    let years = year.checked_sub(1970)? * 365 + leaps(last) - leaps(1969);
    let is_leap = leaps(year) > leaps(last);
    let in_year = BEFORE.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    Some(years + in_year + u64::from(is_leap && month > 2))
}

/// The content of the first element, which must be of this kind, and what follows.
fn value(bytes: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = any(bytes)?;
    (found == kind).then_some((content, rest))
}

/// The first element: its kind, its content, and what follows.
fn any(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [kind, length, rest @ ..] = bytes else {
        return None;
    };
    let (length, rest) = match usize::from(*length) {
        short @ ..0x80 => (short, rest),
        long => {
            let (digits, rest) = rest.split_at_checked(long - 0x80)?;
            if digits.len() > 4 {
                return None;
            }
            let length = digits
                .iter()
                .fold(0, |sum, digit| sum << 8 | usize::from(*digit));
            (length, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*kind, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(kind: u8, text: &str) -> Option<u64> {
        let since = moment(kind, text)?.duration_since(SystemTime::UNIX_EPOCH);
        since.ok().map(|since| since.as_secs())
    }

    #[test]
    fn both_forms_of_a_moment_are_read() {
        assert_eq!(seconds(UTC_TIME, "700101000000"), Some(0));
        assert_eq!(seconds(UTC_TIME, "240229120000"), Some(1_709_208_000));
        assert_eq!(seconds(UTC_TIME, "250301000000"), Some(1_740_787_200));
        assert_eq!(
            seconds(GENERALIZED_TIME, "20500101000000"),
            Some(2_524_608_000)
        );
        for text in ["7001010000", "70010100000x", "701301000000", "700100000000"] {
            assert_eq!(seconds(UTC_TIME, text), None, "{text}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 0x85, 1, 2, 3, 4, 5],
            &[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0x30, 4, 0x30, 2, 0xA0, 0],
        ] {
            assert_eq!(not_after(bytes), None);
            assert_eq!(issuer_and_subject(bytes), None);
        }
    }
}
