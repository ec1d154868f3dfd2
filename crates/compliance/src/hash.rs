//! SHA-256 and canonical JSON: what references, run ids and manifests are made of.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// The SHA-256 of `bytes`, as 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The one JSON form of our own documents: two-space indent, fields in declaration order, maps sorted (they are
/// `BTreeMap`s), one newline at the end. The same value gives the same bytes.
///
/// # Errors
/// When the value cannot be represented in JSON (a map with keys that are not strings).
pub fn canonical_json<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}
