//! SHA-256 as lower-case hexadecimal, the one form in which hashes stand in plans, journals and records.

use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// SHA-256 of `bytes`, 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of the JSON of `value`. Struct fields keep their order and maps are sorted, so equal values have equal
/// digests.
pub fn sha256_of_json<T: Serialize>(value: &T) -> String {
    sha256_hex(&serde_json::to_vec(value).expect("plain data has no unserialisable part"))
}

/// Bytes as lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
    }
    text
}
