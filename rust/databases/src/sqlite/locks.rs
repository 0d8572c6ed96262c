//! Leases and locks: files that are locked for as long as their holder lives.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::error::{DatabaseError, Result};
use crate::server::Held;

/// Between two attempts. Building a template takes seconds; a twentieth of one more is not noticed.
const PAUSE: Duration = Duration::from_millis(50);
/// How long taking our own lease may take: others hold it for the moment in which they look whether it is free.
const LEASE: Duration = Duration::from_secs(5);
/// Hexadecimal digits of a lock's name: 128 bits.
const DIGITS: usize = 32;

/// How the file of a lease ends.
const LEASE_SUFFIX: &str = ".lease";

/// A locked file, removed with the lock.
struct LockedFile {
    path: PathBuf,
    file: File,
}

impl Held for LockedFile {
    fn is_held(&mut self) -> bool {
        is_there(&self.path, &self.file).unwrap_or(false)
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // While it is still held: whoever opened it in between finds on locking it that it is gone.
        if self.is_held() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Waits for a lock on `key`; `None` = somebody else has held it all the time.
pub(super) fn lock(folder: &Path, key: &str, wait: Duration) -> Result<Option<Box<dyn Held>>> {
    let digest = blake3::hash(key.as_bytes()).to_hex();
    Ok(take(&folder.join(format!("{}.lock", &digest[..DIGITS])), wait)?.map(|held| Box::new(held) as Box<dyn Held>))
}

/// Holds the lease of a run.
pub(super) fn lease(folder: &Path, run: &str) -> Result<Box<dyn Held>> {
    let path = lease_path(folder, run)?;
    match take(&path, LEASE)? {
        Some(held) => Ok(Box::new(held)),
        None => Err(DatabaseError::Busy(path.display().to_string(), "another process holds it".into())),
    }
}

/// Whether somebody holds the lease of a run.
pub(super) fn is_leased(folder: &Path, run: &str) -> Result<bool> {
    let path = lease_path(folder, run)?;
    match open(&path, false) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(DatabaseError::at(&path, &error)),
        Ok(file) => match file.try_lock() {
            Ok(()) => drop(LockedFile { path, file }),
            Err(TryLockError::WouldBlock) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(DatabaseError::at(&path, &error)),
        },
    }
    Ok(false)
}

/// Whether somebody holds the lease of a run that is not `own`.
pub(super) fn has_others(folder: &Path, own: &str) -> Result<bool> {
    for entry in fs::read_dir(folder).map_err(|error| DatabaseError::at(folder, &error))?.flatten() {
        let name = entry.file_name();
        let run = name.to_str().and_then(|name| name.strip_suffix(LEASE_SUFFIX)).filter(|run| *run != own);
        // What is no lease of ours is nobody's.
        if run.is_some_and(|run| lease_path(folder, run).is_ok() && is_leased(folder, run).unwrap_or(true)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn lease_path(folder: &Path, run: &str) -> Result<PathBuf> {
    if run.is_empty() || !run.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(DatabaseError::Unsupported(format!("{run:?} is no id of a run")));
    }
    Ok(folder.join(format!("{run}{LEASE_SUFFIX}")))
}

fn take(path: &Path, wait: Duration) -> Result<Option<LockedFile>> {
    let until = Instant::now() + wait;
    loop {
        if let Some(file) = attempt(path).map_err(|error| DatabaseError::at(path, &error))? {
            return Ok(Some(LockedFile { path: path.to_owned(), file }));
        }
        if Instant::now() >= until {
            return Ok(None);
        }
        thread::sleep(PAUSE);
    }
}

fn attempt(path: &Path) -> io::Result<Option<File>> {
    let file = open(path, true)?;
    match file.try_lock() {
        Ok(()) => Ok(is_there(path, &file)?.then_some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn open(path: &Path, create: bool) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.write(true).create(create).mode(0o600).custom_flags(flags.bits().cast_signed());
    options.open(path)
}

fn is_there(path: &Path, file: &File) -> io::Result<bool> {
    let held = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (held.dev(), held.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
