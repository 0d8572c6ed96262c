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
use std::time::Duration;

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

/// How long a server may go on with a CREATE DATABASE whose client is gone. On a busy disk a copy of some gigabytes takes
/// minutes; a journal that stays for ten of them costs nothing.
const IN_FLIGHT: Duration = Duration::from_secs(600);
/// After that a server that was not met again is not waited for: one that was restarted cannot be recognised.
const FORGOTTEN: Duration = Duration::from_secs(90 * 24 * 60 * 60);

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

    /// Every name that this run wrote down, for whichever server.
    ///
    /// # Errors
    /// [`DatabaseError::File`] if the file is there and cannot be read.
    pub fn names(&self) -> Result<BTreeSet<DatabaseName>> {
        match read(&self.path) {
            Ok(lines) => Ok(names_in(&lines)),
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
    /// Since the last line was written.
    pub age: Duration,
    lines: Vec<Line>,
}

impl Left {
    /// The names, for whichever server. A restarted server proves its identity in another way than before, while a name
    /// with 64 random bits is made but once: where it is found, it is the one that was written down.
    pub fn names(&self) -> BTreeSet<DatabaseName> {
        names_in(&self.lines)
    }

    /// Whether nothing remains to be done that this journal is needed for.
    ///
    /// Each line must be about a server among `identities` or about a name that was `met`; what was not met may be about
    /// to be made until [`IN_FLIGHT`] has passed. After [`FORGOTTEN`] the servers are taken to be gone for good.
    pub fn is_settled(&self, identities: &BTreeSet<String>, met: &BTreeSet<DatabaseName>) -> bool {
        let is_met = |line: &Line| line.name.parse().is_ok_and(|name| met.contains(&name));
        let is_over = |line: &Line| self.age >= IN_FLIGHT && identities.contains(&line.server);
        let is_known = self.lines.iter().all(|line| line.v <= VERSION);
        is_known && (self.age >= FORGOTTEN || self.lines.iter().all(|line| is_met(line) || is_over(line)))
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
            left.push(Left { run, age: age(&path), path, held, lines });
        }
    }
    left.sort_by(|one, other| one.run.cmp(&other.run));
    left
}

/// Since a file was written; a moment to come, on a clock that goes wrong, counts as now.
fn age(path: &Path) -> Duration {
    let written = fs::symlink_metadata(path).and_then(|data| data.modified());
    written.ok().and_then(|written| written.elapsed().ok()).unwrap_or_default()
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

fn names_in(lines: &[Line]) -> BTreeSet<DatabaseName> {
    let ours = lines.iter().filter(|line| line.v <= VERSION);
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
        assert_eq!(journal.names().unwrap(), BTreeSet::from([name.clone()]));
        let left = left_by_others(&inside, "00bb");
        assert_eq!((left.len(), left[0].run.as_str(), left[0].held), (1, "00aa", true));
        assert_eq!(left[0].names(), BTreeSet::from([name]));
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
        assert!(left_by_others(folder.path(), "x")[0].names().is_empty());
        let mut left = left_by_others(folder.path(), "x").remove(0);
        left.age = FORGOTTEN;
        assert!(!left.is_settled(&BTreeSet::from(["s".to_owned()]), &BTreeSet::from([name.clone()])));
        fs::write(&path, format!("{line}\n{{\"v\":1,\"ser")).unwrap();
        assert_eq!(left_by_others(folder.path(), "x")[0].names().len(), 1);
    }

    #[test]
    fn a_name_that_was_not_met_may_still_be_on_its_way() {
        let folder = tempfile::tempdir().unwrap();
        let name = names::template_name("shop", 7);
        Journal::new(folder.path(), "00aa").append("s", "mysql", &name).unwrap();
        let mut left = left_by_others(folder.path(), "x").remove(0);
        let (there, nowhere) = (BTreeSet::from(["s".to_owned()]), BTreeSet::new());
        let (met, unmet) = (BTreeSet::from([name]), BTreeSet::new());
        assert!(left.is_settled(&there, &met) && left.is_settled(&nowhere, &met));
        assert!(!left.is_settled(&there, &unmet));
        left.age = IN_FLIGHT;
        assert!(left.is_settled(&there, &unmet) && !left.is_settled(&nowhere, &unmet));
        left.age = FORGOTTEN;
        assert!(left.is_settled(&nowhere, &unmet));
    }

    #[test]
    fn a_journal_is_not_read_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("elsewhere"), "").unwrap();
        std::os::unix::fs::symlink("elsewhere", folder.path().join("00aa.journal")).unwrap();
        assert!(left_by_others(folder.path(), "x").is_empty());
    }
}
