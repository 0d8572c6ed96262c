//! One writer at a time for one timing file.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use super::error::StoreError;
use super::file::parent;

/// Between two attempts to take the lock.
const PAUSE: Duration = Duration::from_millis(10);

/// The lock of one timing file: a file `.NAME.lock` beside it. It is removed with the lock, and a lock that a killed
/// process leaves behind is free, because the system keeps it only for as long as somebody has the file open.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Waits for the lock, and no longer than `patience`.
    pub(super) fn take(target: &Path, patience: Duration) -> Result<Self, StoreError> {
        let path = lock_path(target);
        let deadline = Instant::now() + patience;
        loop {
            if let Some(file) = attempt(&path).map_err(|source| StoreError::io(target, "lock", source))? {
                return Ok(Self { path, _file: file });
            }
            if Instant::now() >= deadline {
                return Err(StoreError::Busy { lock: path, seconds: patience.as_secs() });
            }
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is still held: whoever opened this file in between finds on locking it that it is gone.
        let _ = fs::remove_file(&self.path);
    }
}

fn lock_path(target: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".lock");
    parent(target).join(name)
}

/// The locked file; `None` when somebody else has it, or has removed it meanwhile.
fn attempt(path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o664)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(is_still_there(path, &file)?.then_some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn is_still_there(path: &Path, file: &File) -> io::Result<bool> {
    let held = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (held.dev(), held.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_a_lock_ends() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("timings.json");
        let held = Lock::take(&target, Duration::ZERO).unwrap();
        let error = Lock::take(&target, Duration::from_millis(30)).unwrap_err();
        assert!(matches!(error, StoreError::Busy { .. }), "{error}");
        drop(held);
        Lock::take(&target, Duration::ZERO).unwrap();
    }

    #[test]
    fn released_lock_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        drop(Lock::take(&folder.path().join("timings.json"), Duration::ZERO).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn lock_is_not_taken_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/nowhere/else", folder.path().join(".t.json.lock")).unwrap();
        let error = Lock::take(&folder.path().join("t.json"), Duration::ZERO).unwrap_err();
        assert!(matches!(error, StoreError::Io { action: "lock", .. }), "{error}");
    }
}
