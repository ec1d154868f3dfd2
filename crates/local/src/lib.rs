//! Adapters for one machine: objects in a folder or in memory, notices, secrets and events in memory, the lock of a folder,
//! and the system's clock; and the contract suites that every adapter of a port passes.

mod clock;
pub mod contract;
mod events;
mod folder;
mod lock;
mod memory;
mod secrets;

pub use clock::{SystemClock, unique_name};
pub use events::{AlertStart, DeadLetter, MemoryAlertStarter, MemoryDeadLetters, MemoryEventTable};
pub use folder::FolderObjectStore;
pub use lock::{FolderLock, Locking, Taken};
pub use memory::{MemoryNotifier, MemoryObjectStore, MemorySecrets};
pub use secrets::LocalSecrets;
