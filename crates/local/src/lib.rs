//! Adapters for one machine: objects in a folder or in memory, and the system's clock.

mod clock;
pub mod contract;
mod folder;
mod memory;

pub use clock::SystemClock;
pub use folder::FolderObjectStore;
pub use memory::MemoryObjectStore;
