//! Adapters for one machine: objects in a folder or in memory, notices and secrets in memory, the lock of a folder, and
//! the system's clock; and the contract suites that every adapter of a port passes.

mod clock;
pub mod contract;
mod folder;
mod lock;
mod memory;

pub use clock::SystemClock;
pub use folder::FolderObjectStore;
pub use lock::{FolderLock, Locking, Taken};
pub use memory::{MemoryNotifier, MemoryObjectStore, MemorySecrets};
