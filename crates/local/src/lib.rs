//! Adapters for one machine: objects in a folder or in memory, the lock of a folder, and the system's clock.

mod clock;
pub mod contract;
mod folder;
mod lock;
mod memory;

pub use clock::SystemClock;
pub use folder::FolderObjectStore;
pub use lock::{FolderLock, Locking, Taken};
pub use memory::MemoryObjectStore;
