//! Objects as files under a folder.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use compliance::ports::{ObjectStore, PortError, PortErrorKind, Put, check_key};
use compliance::text;

/// An object store in a folder: a key is a relative path. Files appear whole (written beside, synced, then renamed
/// to their name, which fails if the name is taken, and the folder synced), so that neither an interrupted run nor a
/// machine that loses power leaves half an object, or a later object without an earlier one.
#[derive(Debug, Clone)]
pub struct FolderObjectStore {
    root: PathBuf,
}

/// Temporary files carry this prefix; they are never listed.
const TEMPORARY: &str = ".partial-";
/// The file that a process holds locked while it writes to the folder; never listed.
pub(crate) const LOCK: &str = ".plumbline-lock";

/// The name is of ours and not of an object.
fn is_reserved(name: &str) -> bool {
    name.starts_with(TEMPORARY) || name == LOCK
}

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

    /// Removes a working file; that there is none is well.
    ///
    /// # Errors
    /// `Store.Storage` when it cannot be removed.
    pub fn discard(&self, key: &str) -> Result<(), PortError> {
        let path = self.checked_path(key)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failure("remove", &path, error)),
            _ => Ok(()),
        }
    }

    /// Removes the temporary files that interrupted runs left under these folders. Only for who holds the
    /// [`crate::FolderLock`]: a writer at work has such files, too.
    ///
    /// # Errors
    /// `Store.Storage` when the folders cannot be read or a file cannot be removed.
    pub fn sweep(&self, folders: &[&str]) -> Result<(), PortError> {
        for folder in folders {
            let start = self.checked_path(folder.trim_end_matches('/'))?;
            let mut left = Vec::new();
            let mut gather = |path: &Path, name: &str| {
                if name.starts_with(TEMPORARY) {
                    left.push(path.to_owned());
                }
            };
            walk(&start, &mut gather).map_err(|error| failure("list", &start, error))?;
            for path in left {
                fs::remove_file(&path).map_err(|error| failure("remove", &path, error))?;
            }
        }
        Ok(())
    }

    fn checked_path(&self, key: &str) -> Result<PathBuf, PortError> {
        check_key(key)?;
        match key.split('/').find(|part| is_reserved(part)) {
            None => Ok(self.path(key)),
            Some(name) => Err(PortError::new(
                "Store",
                PortErrorKind::InvalidRequest,
                format!("{key:?} is not a key of an object: {name} is a name of the folder's own"),
            )),
        }
    }
}

impl ObjectStore for FolderObjectStore {
    async fn put_new(&self, key: &str, bytes: &[u8]) -> Result<Put, PortError> {
        let path = self.checked_path(key)?;
        if path.exists() {
            return Ok(Put::Existed);
        }
        write_new(&path, bytes).map_err(|error| write_failure(&path, bytes, error))
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
        let start = self.path(folder);
        let mut keys = Vec::new();
        let mut gather = |path: &Path, name: &str| {
            // A path that is not UTF-8 is not ours: keys are.
            let key = path.strip_prefix(&self.root).ok().and_then(key);
            keys.extend(key.filter(|key| !is_reserved(name) && key.starts_with(prefix)));
        };
        walk(&start, &mut gather).map_err(|error| failure("list", &start, error))?;
        keys.sort();
        Ok(keys)
    }
}

/// The key of a relative path.
fn key(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<Put> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)?;
    file.write_all(bytes)?;
    make_readable(file.as_file())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => sync_folder(folder).map(|()| Put::Created),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(Put::Existed),
        Err(error) => Err(error.error),
    }
}

/// Makes a folder and those above it, each of them in the folder above for good.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().unwrap_or(Path::new(""));
    make_folder(above)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_folder(above),
    }
}

/// Has the names in a folder outlive a loss of power. Where a file system has no such thing, there is nothing to do.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    let here = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    match fs::File::open(here)?.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
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

/// Hands over every file under a folder, with its name; that there is no such folder is well.
fn walk(folder: &Path, found: &mut impl FnMut(&Path, &str)) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), found)?;
        } else {
            found(&entry.path(), &entry.file_name().to_string_lossy());
        }
    }
    Ok(())
}

/// A failed write: with what the file needs, and what the disk has.
fn write_failure(path: &Path, bytes: &[u8], error: io::Error) -> PortError {
    let full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
    let Some(free) = free_bytes(path).filter(|_| full) else {
        return failure("write", path, error);
    };
    let message = format!(
        "cannot write {}: it needs {}, and {} free on its disk; free space and run the same command again: what is finished is kept",
        path.display(),
        text::plural(bytes.len() as u64, "byte", "bytes"),
        text::plural(free, "byte is", "bytes are"),
    );
    PortError::new("Store", PortErrorKind::Storage, message).with_source(error)
}

/// What an ordinary user may still write on the disk of a file that is to be.
#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    let there = path.ancestors().find(|folder| folder.is_dir())?;
    let disk = rustix::fs::statvfs(there).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_path: &Path) -> Option<u64> {
    None
}

pub(crate) fn failure(doing: &str, path: &Path, error: io::Error) -> PortError {
    let remedy = match error.kind() {
        ErrorKind::PermissionDenied => {
            "permission denied; choose a folder you may write with --out, or change its permissions"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "the disk is full; free space and run the same command again: what is finished is kept"
        }
        ErrorKind::FileTooLarge => {
            "no file may be that large here; raise the limit (ulimit -f) and run the same command again: what is finished is kept"
        }
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only; choose another folder with --out",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a file stands where a folder is needed; choose another folder with --out"
        }
        ErrorKind::IsADirectory => "a folder stands where a file is needed; move it away and run again",
        _ => "check the folder and run again",
    };
    PortError::new(
        "Store",
        PortErrorKind::Storage,
        format!("cannot {doing} {}: {remedy}", path.display()),
    )
    .with_source(error)
}
