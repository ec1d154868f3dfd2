//! Objects as files under a folder.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use compliance::ports::{ObjectStore, PortError, PortErrorKind, Put};

/// An object store in a folder: a key is a relative path. Files appear whole (written beside, synced, then linked
/// to their name, which fails if the name is taken), so that an interrupted run leaves no half object.
#[derive(Debug, Clone)]
pub struct FolderObjectStore {
    root: PathBuf,
}

/// Temporary files carry this prefix; they are never listed.
const TEMPORARY: &str = ".partial-";

impl FolderObjectStore {
    /// A store in `root`, which is created when the first object is put.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file of a key.
    pub fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    /// Removes a folder of working files and all in it; that there is none is well.
    ///
    /// # Errors
    /// `Store.Storage` when it cannot be removed.
    pub fn discard_folder(&self, prefix: &str) -> Result<(), PortError> {
        let path = self.checked_path(prefix.trim_end_matches('/'))?;
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failure("remove", &path, error)),
            _ => Ok(()),
        }
    }

    fn checked_path(&self, key: &str) -> Result<PathBuf, PortError> {
        let plain = !key.is_empty()
            && key
                .split('/')
                .all(|part| !part.is_empty() && part != "." && part != ".." && !part.starts_with(TEMPORARY));
        if plain && !key.contains(['\\', '\0']) {
            return Ok(self.path(key));
        }
        Err(PortError::new(
            "Store",
            PortErrorKind::InvalidRequest,
            format!("{key:?} is not a key of an object"),
        ))
    }
}

impl ObjectStore for FolderObjectStore {
    async fn put_new(&self, key: &str, bytes: &[u8]) -> Result<Put, PortError> {
        let path = self.checked_path(key)?;
        if path.exists() {
            return Ok(Put::Existed);
        }
        write_new(&path, bytes).map_err(|error| failure("write", &path, error))
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "this is the adapter of the `ObjectStore` port"
    )]
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        let path = self.checked_path(key)?;
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failure("read", &path, error)),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, PortError> {
        // Only the folder part of the prefix can be walked; the rest filters names.
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut keys = Vec::new();
        let start = self.path(folder);
        walk(&start, folder, &mut keys).map_err(|error| failure("list", &start, error))?;
        keys.retain(|key| key.starts_with(prefix));
        keys.sort();
        Ok(keys)
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<Put> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    make_readable(file.as_file())?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(Put::Created),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(Put::Existed),
        Err(error) => Err(error.error),
    }
}

/// Temporary files are made private; a report is as readable as its folder.
#[cfg(unix)]
fn make_readable(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_file: &fs::File) -> io::Result<()> {
    Ok(())
}

fn walk(folder: &Path, key: &str, keys: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        // A name that is not UTF-8 is not ours: keys are.
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if name.starts_with(TEMPORARY) {
            continue;
        }
        let child = if key.is_empty() {
            name
        } else {
            format!("{key}/{name}")
        };
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &child, keys)?;
        } else {
            keys.push(child);
        }
    }
    Ok(())
}

fn failure(doing: &str, path: &Path, error: io::Error) -> PortError {
    let remedy = match error.kind() {
        ErrorKind::PermissionDenied => {
            "permission denied; choose a folder you may write with --out, or change its permissions"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full; free space and run again",
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only; choose another folder with --out",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a file stands where a folder is needed; choose another folder with --out"
        }
        _ => "check the folder and run again",
    };
    PortError::new(
        "Store",
        PortErrorKind::Storage,
        format!("cannot {doing} {}: {remedy}", path.display()),
    )
    .with_source(error)
}
