//! Objects, notices and secrets in memory, for tests and for work that need not outlive the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use compliance::Timestamp;
use compliance::ports::{
    Notifier, ObjectStore, PortError, PortErrorKind, Put, Retention, Secrets, check_key,
};
use compliance::secret::Secret;

/// An object store in memory.
#[derive(Debug, Default)]
pub struct MemoryObjectStore {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    retained: Mutex<BTreeMap<String, Timestamp>>,
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

    /// Until when each object is retained, of those that are.
    pub fn retained(&self) -> BTreeMap<String, Timestamp> {
        self.retained
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Removes an object behind the port's back: what a half-finished copy lacks, for tests.
    pub fn remove(&self, key: &str) {
        self.objects().remove(key);
    }
}

impl Retention for MemoryObjectStore {
    async fn retain(&self, key: &str, until: Timestamp) -> Result<(), PortError> {
        let mut retained = self.retained.lock().unwrap_or_else(PoisonError::into_inner);
        retained.insert(key.to_owned(), until);
        Ok(())
    }
}

impl ObjectStore for MemoryObjectStore {
    async fn put_new(&self, key: &str, bytes: &[u8]) -> Result<Put, PortError> {
        check_key(key)?;
        let mut objects = self.objects();
        if objects.contains_key(key) {
            return Ok(Put::Existed);
        }
        objects.insert(key.to_owned(), bytes.to_vec());
        Ok(Put::Created)
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        check_key(key)?;
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

/// Keeps what it is to tell.
#[derive(Debug, Default)]
pub struct MemoryNotifier {
    told: Mutex<Vec<(String, String)>>,
}

impl MemoryNotifier {
    /// Subject and text of everything told so far.
    pub fn told(&self) -> Vec<(String, String)> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Notifier for MemoryNotifier {
    async fn notify(&self, subject: &str, text: &str) -> Result<(), PortError> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.push((subject.to_owned(), text.to_owned()));
        Ok(())
    }
}

/// Secrets by name.
#[derive(Debug, Default)]
pub struct MemorySecrets {
    secrets: BTreeMap<String, Secret>,
}

impl MemorySecrets {
    /// These and no others.
    pub fn new(secrets: impl IntoIterator<Item = (String, Secret)>) -> Self {
        Self {
            secrets: secrets.into_iter().collect(),
        }
    }
}

impl Secrets for MemorySecrets {
    async fn secret(&self, name: &str) -> Result<Secret, PortError> {
        self.secrets.get(name).cloned().ok_or_else(|| {
            PortError::new(
                "Secrets",
                PortErrorKind::NotFound,
                format!("there is no secret {name:?}; name one that exists"),
            )
        })
    }
}
