//! One writer at a time in a folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use compliance::ports::PortError;

use crate::folder::{LOCK, failure};

/// A folder held for one process, until this is dropped or the process ends in whatever way: the system lets go of
/// it, so that no lock is left behind.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
}

/// What became of an attempt to lock a folder.
#[derive(Debug)]
pub enum Locking {
    /// The folder is held.
    Held(FolderLock),
    /// Another process holds it; what it says of itself, which may be nothing. See [`Taken::wait`].
    Taken(Taken),
    /// The file system has no locks.
    Unsupported,
}

/// A folder that another process holds.
#[derive(Debug)]
pub struct Taken {
    file: File,
    /// What the holder says of itself; may be empty.
    pub by: String,
}

impl FolderLock {
    /// Makes the folder and holds it, if nobody does; `who` is told to others that want it.
    ///
    /// # Errors
    /// `Store.Storage` when the folder cannot be made or written.
    pub fn take(folder: &Path, who: &str) -> Result<Locking, PortError> {
        let path = folder.join(LOCK);
        fs::create_dir_all(folder).map_err(|error| failure("make", folder, error))?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| failure("write", &path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Locking::Held(Self::signed(file, who))),
            Err(TryLockError::WouldBlock) => {
                let mut by = String::new();
                // The holder's own words are a courtesy: without them it is held all the same.
                let _ = file.read_to_string(&mut by);
                Ok(Locking::Taken(Taken { file, by }))
            }
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                Ok(Locking::Unsupported)
            }
            Err(TryLockError::Error(error)) => Err(failure("lock", &path, error)),
        }
    }

    fn signed(mut file: File, who: &str) -> Self {
        let _ = file.set_len(0).and_then(|()| file.write_all(who.as_bytes()));
        Self { file }
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        let _ = self.file.set_len(0).and_then(|()| self.file.unlock());
    }
}

impl Taken {
    /// Waits until the other process lets go, and holds the folder.
    ///
    /// # Errors
    /// `Store.Storage` when the system ends the waiting.
    pub fn wait(self, folder: &Path, who: &str) -> Result<FolderLock, PortError> {
        self.file
            .lock()
            .map_err(|error| failure("lock", &folder.join(LOCK), error))?;
        let mut file = self.file;
        // What the former holder said was read to its end.
        let _ = std::io::Seek::rewind(&mut file);
        Ok(FolderLock::signed(file, who))
    }
}
