//! Objects by reference: read with their hash held, written once with the first writer adopted.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::hash::{canonical_json, sha256_hex};
use crate::ports::{ObjectStore, PortError, PortErrorKind, Put};
use crate::snapshot::ObjectRef;
use crate::text;

/// The name of the manifest of a snapshot and of a bundle, which is written last: without it there is none.
pub const MANIFEST: &str = "manifest.json";

/// The bytes of `reference`, whose hash they have.
///
/// # Errors
/// The store's own; `Store.NotFound` when there is no such object; `Store.Damaged` when its bytes are others.
pub async fn read(store: &impl ObjectStore, reference: &ObjectRef) -> Result<Vec<u8>, PortError> {
    let key = &reference.key;
    let bytes = store.get(key).await?.ok_or_else(|| {
        PortError::new(
            "Store",
            PortErrorKind::NotFound,
            format!("{key} is missing; restore it from a copy or collect again"),
        )
    })?;
    let found = sha256_hex(&bytes);
    if found != reference.sha256 {
        let message = format!(
            "{key} is damaged: it has {} with SHA-256 {found}, and {} is recorded; restore it from a copy or delete its folder and collect again",
            text::plural(bytes.len() as u64, "byte", "bytes"),
            reference.sha256
        );
        return Err(PortError::new("Store", PortErrorKind::Damaged, message));
    }
    Ok(bytes)
}

/// The document under `reference`.
///
/// # Errors
/// Those of [`read`]; `Store.Damaged` when it is not the document it should be.
pub async fn read_json<T: DeserializeOwned>(
    store: &impl ObjectStore,
    reference: &ObjectRef,
) -> Result<T, PortError> {
    parse_json(&reference.key, &read(store, reference).await?)
}

/// Reads a document of the object `key` from its bytes.
///
/// # Errors
/// `Store.Damaged` when it is not the document it should be.
pub fn parse_json<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, PortError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let message = format!("{key} cannot be read; it is damaged or of another version of Plumbline: restore it from a copy or delete its folder and collect again");
        PortError::new("Store", PortErrorKind::Damaged, message).with_source(error)
    })
}

/// Writes `bytes` under `key`, or adopts what the first writer wrote there; the reference is to what stands.
///
/// # Errors
/// The store's own.
pub async fn put_or_adopt(store: &impl ObjectStore, key: &str, bytes: &[u8]) -> Result<ObjectRef, PortError> {
    let sha256 = match store.put_new(key, bytes).await? {
        Put::Created => sha256_hex(bytes),
        Put::Existed => {
            let vanished = || {
                PortError::new(
                    "Store",
                    PortErrorKind::Storage,
                    format!("{key} vanished while it was read; run again"),
                )
            };
            sha256_hex(&store.get(key).await?.ok_or_else(vanished)?)
        }
    };
    Ok(ObjectRef {
        key: key.to_owned(),
        sha256,
    })
}

/// Writes a document in canonical JSON, see [`put_or_adopt`].
///
/// # Errors
/// The store's own, or when the value cannot be written as JSON.
pub async fn put_json<T: Serialize>(
    store: &impl ObjectStore,
    key: &str,
    value: &T,
) -> Result<ObjectRef, PortError> {
    put_or_adopt(store, key, &json_bytes(key, value)?).await
}

/// A document in canonical JSON; `what` names it.
///
/// # Errors
/// `Store.InvalidRequest` when the value cannot be written as JSON.
pub fn json_bytes<T: Serialize>(what: &str, value: &T) -> Result<Vec<u8>, PortError> {
    canonical_json(value).map_err(|error| {
        let message = format!("{what} cannot be written as JSON");
        PortError::new("Store", PortErrorKind::InvalidRequest, message).with_source(error)
    })
}

/// What became of [`put_same`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutSame {
    /// The object is new.
    Created,
    /// The same bytes stood there.
    Stood,
    /// Other bytes stand there, and stay.
    Differs,
}

/// Writes `bytes` under `key`, where nothing or the same should stand.
///
/// # Errors
/// The store's own.
pub async fn put_same(store: &impl ObjectStore, key: &str, bytes: &[u8]) -> Result<PutSame, PortError> {
    if store.put_new(key, bytes).await? == Put::Created {
        return Ok(PutSame::Created);
    }
    let same = store.get(key).await?.as_deref() == Some(bytes);
    Ok(if same { PutSame::Stood } else { PutSame::Differs })
}
