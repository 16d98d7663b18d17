//! The two hash functions of the simulator. They need not match the real server's, only spread evenly and be the same in every process.

/// Mixes a number so that every input bit reaches every output bit (the finaliser of splitmix64).
pub(crate) fn mix(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Hashes bytes (FNV-1a, then mixed, since FNV alone leaves the high bits of short keys alike).
pub(crate) fn bytes(input: &[u8]) -> u64 {
    let sum = input.iter().fold(0xCBF2_9CE4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    });
    mix(sum)
}

/// Hashes two numbers, order mattering.
pub(crate) fn pair(first: u64, second: u64) -> u64 {
    mix(mix(first) ^ second)
}
