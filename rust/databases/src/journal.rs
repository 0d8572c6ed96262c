//! Names that are about to be made, written down before: the only proof that a database without a mark is ours.
//!
//! A run has one file, `<run>.journal`, in a folder that runs of the same project share; a line is a JSON object. The
//! keeper holds a lock on its file for as long as it lives, so that another run on the same machine knows it is alive
//! even while its lease on the server is lost.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use engine::guard::DatabaseName;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use crate::error::{DatabaseError, Result};

/// The version of a line. A line of a newer version is no proof: it may mean something else.
const VERSION: u32 = 1;
/// How a journal's name ends.
const SUFFIX: &str = ".journal";
/// The longest journal that is read, in bytes: 100,000 names. A longer one is not ours.
const LONGEST: u64 = 16 * 1024 * 1024;

/// One name that was about to be made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Line {
    v: u32,
    /// Identity of the server, as [`crate::server::Facts::identity`] says it.
    server: String,
    vendor: String,
    name: String,
}

/// The journal of this run. The file appears with the first name.
pub struct Journal {
    folder: PathBuf,
    path: PathBuf,
    file: Mutex<Option<File>>,
}

impl Journal {
    /// Of `run`, in `folder`, which is made when it is needed.
    pub fn new(folder: &Path, run: &str) -> Self {
        let path = folder.join(format!("{run}{SUFFIX}"));
        Self { folder: folder.to_owned(), path, file: Mutex::new(None) }
    }

    /// Where it and those of other runs are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a name down; when this returns, it is on the disk.
    ///
    /// # Errors
    /// [`DatabaseError::DiskFull`] and [`DatabaseError::File`]. The name must not be made then.
    pub fn append(&self, identity: &str, vendor: &str, name: &DatabaseName) -> Result<()> {
        let line = Line { v: VERSION, server: identity.into(), vendor: vendor.into(), name: name.to_string() };
        let mut text = serde_json::to_string(&line).map_err(|error| self.failure(&error.into()))?;
        text.push('\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            *file = Some(self.open().map_err(|error| self.failure(&error))?);
        }
        let Some(file) = file.as_mut() else { return Ok(()) };
        file.write_all(text.as_bytes()).and_then(|()| file.sync_data()).map_err(|error| self.failure(&error))
    }

    /// Every name that this run wrote down for a server.
    ///
    /// # Errors
    /// [`DatabaseError::File`] if the file is there and cannot be read.
    pub fn names(&self, identity: &str) -> Result<BTreeSet<DatabaseName>> {
        match read(&self.path) {
            Ok(lines) => Ok(names_on(&lines, identity)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
            Err(error) => Err(self.failure(&error)),
        }
    }

    /// Removes the file, because everything in it is settled.
    pub fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }

    fn open(&self) -> io::Result<File> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&self.path)?;
        // Held until this process is gone. Nobody else takes it for longer than a look.
        file.lock_shared()?;
        File::open(&self.folder)?.sync_all()?;
        Ok(file)
    }

    fn failure(&self, error: &io::Error) -> DatabaseError {
        DatabaseError::at(&self.path, error)
    }
}

impl DatabaseError {
    /// What the system said about a file.
    pub(crate) fn at(path: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull(format!("{}: {error}", path.display()))
            }
            _ => Self::File { path: path.display().to_string(), reason: error.to_string() },
        }
    }
}

/// What another run wrote down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Id of the run.
    pub run: String,
    /// Its journal.
    pub path: PathBuf,
    /// Whether its keeper is alive on this machine.
    pub held: bool,
    lines: Vec<Line>,
}

impl Left {
    /// The names for one server.
    pub fn names(&self, identity: &str) -> BTreeSet<DatabaseName> {
        names_on(&self.lines, identity)
    }

    /// Whether every line is about a server among `identities`, and none is of a newer version.
    pub fn is_only_about(&self, identities: &BTreeSet<String>) -> bool {
        self.lines.iter().all(|line| line.v <= VERSION && identities.contains(&line.server))
    }
}

/// The journals of all runs in `folder` but `own`. What cannot be read is left out: it proves nothing.
pub fn left_by_others(folder: &Path, own: &str) -> Vec<Left> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut left = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        let Some(run) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(SUFFIX)) else { continue };
        let run = run.to_owned();
        if run != own
            && let Ok(lines) = read(&path)
        {
            let held = is_held(&path);
            left.push(Left { run, path, held, lines });
        }
    }
    left.sort_by(|one, other| one.run.cmp(&other.run));
    left
}

/// Reads the lines that are whole; the last may have been torn when its writer died.
fn read(path: &Path) -> io::Result<Vec<Line>> {
    let mut text = Vec::new();
    open_to_read(path)?.take(LONGEST).read_to_end(&mut text)?;
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    Ok(text[..whole].split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

fn open_to_read(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

fn is_held(path: &Path) -> bool {
    // When in doubt it is held: then nothing of it is touched.
    open_to_read(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

fn names_on(lines: &[Line], identity: &str) -> BTreeSet<DatabaseName> {
    let ours = lines.iter().filter(|line| line.v <= VERSION && line.server == identity);
    ours.filter_map(|line| line.name.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_was_written_is_read_by_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("journals");
        let name = names::template_name("shop", 7);
        let journal = Journal::new(&inside, "00aa");
        journal.append("server", "postgresql", &name).unwrap();
        assert_eq!(journal.names("server").unwrap(), BTreeSet::from([name.clone()]));
        let left = left_by_others(&inside, "00bb");
        assert_eq!((left.len(), left[0].run.as_str(), left[0].held), (1, "00aa", true));
        assert_eq!(left[0].names("server"), BTreeSet::from([name]));
        assert!(left[0].names("another").is_empty());
        drop(journal);
        assert!(!left_by_others(&inside, "00bb")[0].held);
        assert!(left_by_others(&inside, "00aa").is_empty());
    }

    #[test]
    fn nobody_else_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("journals");
        Journal::new(&inside, "00aa").append("s", "mysql", &names::template_name("shop", 7)).unwrap();
        assert_eq!(fs::metadata(&inside).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(inside.join("00aa.journal")).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_torn_or_foreign_line_proves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let name = names::template_name("shop", 7);
        let line = format!(r#"{{"v":1,"server":"s","vendor":"mysql","name":"{name}"}}"#);
        let newer = line.replace("\"v\":1", "\"v\":2");
        let path = folder.path().join("00aa.journal");
        fs::write(&path, format!("{newer}\nnot json\n\n{line}")).unwrap();
        assert!(left_by_others(folder.path(), "x")[0].names("s").is_empty());
        assert!(!left_by_others(folder.path(), "x")[0].is_only_about(&BTreeSet::from(["s".to_owned()])));
        fs::write(&path, format!("{line}\n{{\"v\":1,\"ser")).unwrap();
        assert_eq!(left_by_others(folder.path(), "x")[0].names("s").len(), 1);
    }

    #[test]
    fn a_journal_is_not_read_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("elsewhere"), "").unwrap();
        std::os::unix::fs::symlink("elsewhere", folder.path().join("00aa.journal")).unwrap();
        assert!(left_by_others(folder.path(), "x").is_empty());
    }
}
