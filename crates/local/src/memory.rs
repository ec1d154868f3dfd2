//! Objects in memory, for tests and for work that need not outlive the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use compliance::ports::{ObjectStore, PortError, Put};

/// An object store in memory.
#[derive(Debug, Default)]
pub struct MemoryObjectStore {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl MemoryObjectStore {
    fn objects(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        // A panic elsewhere leaves the map whole: every change is one insertion.
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces an object behind the port's back: what a damaged disk does, for tests.
    pub fn damage(&self, key: &str, bytes: &[u8]) {
        self.objects().insert(key.to_owned(), bytes.to_vec());
    }

    /// Removes an object behind the port's back: what a half-finished copy lacks, for tests.
    pub fn remove(&self, key: &str) {
        self.objects().remove(key);
    }
}

impl ObjectStore for MemoryObjectStore {
    async fn put_new(&self, key: &str, bytes: &[u8]) -> Result<Put, PortError> {
        let mut objects = self.objects();
        if objects.contains_key(key) {
            return Ok(Put::Existed);
        }
        objects.insert(key.to_owned(), bytes.to_vec());
        Ok(Put::Created)
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        Ok(self.objects().get(key).cloned())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, PortError> {
        Ok(self
            .objects()
            .keys()
            .filter(|key| key.starts_with(prefix))
            .cloned()
            .collect())
    }
}
