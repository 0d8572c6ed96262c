//! The folders, what is in them, and the marks.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use engine::guard::DatabaseName;
use rustix::fs::{Access, OFlags};

use crate::error::{DatabaseError, Result};
use crate::marker::Marker;
use crate::names;

/// How the file of a database ends.
const DATABASE: &str = ".sqlite3";
/// How the file of its mark ends.
const MARKER: &str = ".json";
/// What SQLite keeps beside a database: a write-ahead log, its index, a rollback journal.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];
/// The longest mark, in bytes: [`Marker`] stays below 900.
const LONGEST_MARKER: u64 = 4096;

/// A folder of databases, by its real path.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes it if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self> {
        make(path)?;
        path.canonicalize().map(Self).map_err(|error| DatabaseError::at(path, &error))
    }

    /// As it will be once [`Folder::make`] was called; what it lies in is made at once.
    pub(super) fn later(path: &Path) -> Result<Self> {
        match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) if !path.exists() => Ok(Self(Self::open(parent)?.0.join(name))),
            _ => Self::open(path),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes it, should it not be there yet or have been removed while it was empty.
    pub(super) fn make(&self) -> Result<()> {
        make(&self.0)
    }

    pub(super) fn database(&self, name: &DatabaseName) -> PathBuf {
        self.0.join(format!("{name}{DATABASE}"))
    }

    pub(super) fn marker(&self, name: &DatabaseName) -> PathBuf {
        self.0.join(format!("{name}{MARKER}"))
    }

    pub(super) fn is_writable(&self) -> bool {
        let place = if self.0.exists() { &self.0 } else { self.0.parent().unwrap_or(&self.0) };
        rustix::fs::access(place, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_ok()
    }

    /// The names of files that could be databases of ours.
    pub(super) fn names(&self) -> Result<Vec<DatabaseName>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| DatabaseError::at(&self.0, &error))?,
        };
        let files = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let names = files.filter_map(|file| file.strip_suffix(DATABASE).map(str::to_owned));
        Ok(names.filter(|name| names::kind_of(name).is_some()).filter_map(|name| name.parse().ok()).collect())
    }

    pub(super) fn read_marker(&self, name: &DatabaseName) -> Option<Marker> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let path = self.marker(name);
        let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path).ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut text = String::new();
        file.take(LONGEST_MARKER).read_to_string(&mut text).ok()?;
        Marker::parse(&text)
    }

    /// Removes a database, what SQLite keeps beside it, and last its mark: what is left of a drop that was cut short
    /// still has its proof.
    pub(super) fn remove(&self, name: &DatabaseName) -> Result<()> {
        let database = self.database(name);
        for path in beside(&database).into_iter().chain([database, self.marker(name)]) {
            remove(&path)?;
        }
        Ok(())
    }

    pub(super) fn remove_if_empty(&self) {
        let _ = fs::remove_dir(&self.0);
    }
}

fn make(path: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| DatabaseError::at(path, &error))
}

/// Where SQLite keeps what belongs to a database.
pub(super) fn beside(database: &Path) -> [PathBuf; 3] {
    BESIDE.map(|suffix| {
        let mut path = database.as_os_str().to_owned();
        path.push(suffix);
        path.into()
    })
}

/// Removes a file; not an error if it is gone. A link is removed itself, never what it leads to.
pub(super) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DatabaseError::at(path, &error)),
        _ => Ok(()),
    }
}

/// Whether something must be on the disk before we go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durable {
    Yes,
    /// A power cut may lose it: the journal then proves what it marked.
    No,
}

/// Writes a mark: whole, or not at all.
pub(super) fn write_marker(path: &Path, marker: &Marker, durable: Durable) -> Result<()> {
    replace(path, durable, |file| file.write_all(marker.to_text().as_bytes()))
}

/// Replaces a file by what `write` writes, once that is whole; it is readable by this user alone.
pub(super) fn replace(path: &Path, durable: Durable, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let attempt = || {
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        write(new.as_file_mut())?;
        if durable == Durable::Yes {
            new.as_file().sync_all()?;
        }
        new.persist(path).map_err(|error| error.error)?;
        if durable == Durable::Yes { File::open(folder)?.sync_all() } else { Ok(()) }
    };
    attempt().map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData => DatabaseError::Unsupported(format!("{}: {error}", path.display())),
        _ => DatabaseError::at(path, &error),
    })
}
