//! SQLite: templates and clones are files, `<name>.sqlite3`, each with its mark beside it, `<name>.json`.
//!
//! Nothing here opens a database: SQLite belongs to the project's own driver, and a second copy of SQLite in one process
//! would break the first one's locks.

mod copying;
mod locks;
mod paths;

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::guard::DatabaseName;

use self::copying::{copy_new, copy_over, dump, load};
use self::paths::{Durable, Folder, write_marker};
use crate::error::{DatabaseError, Result};
use crate::marker::Marker;
use crate::names::{self, Kind};
use crate::server::{Capacity, Facts, Found, Held, Made, Owned, Restored, Server};
use crate::target::Target;

/// A folder of templates, and perhaps one of clones.
pub struct SqliteFolder {
    templates: Folder,
    clones: Option<Folder>,
}

impl SqliteFolder {
    /// Makes the folder of templates if it is not there, for this user alone; that of clones is made with the first.
    ///
    /// # Errors
    /// [`DatabaseError::Unsupported`] if the target names no folder; [`DatabaseError::File`] if one cannot be made.
    pub fn new(target: &Target) -> Result<Self> {
        let Some(templates) = &target.templates else {
            return Err(DatabaseError::Unsupported("no folder is named for SQLite's templates".into()));
        };
        let clones = target.clones.as_deref().map(Folder::later).transpose()?;
        Ok(Self { templates: Folder::open(templates)?, clones })
    }

    /// Where a database of ours is.
    pub fn path(&self, name: &DatabaseName) -> PathBuf {
        self.folder(name).database(name)
    }

    /// Clones lie in a folder of their own, if there is one.
    fn folder(&self, name: &DatabaseName) -> &Folder {
        match (names::kind_of(name.as_str()), &self.clones) {
            (Some(Kind::Clone(_)), Some(clones)) => clones,
            _ => &self.templates,
        }
    }

    fn folders(&self) -> impl Iterator<Item = &Folder> {
        std::iter::once(&self.templates).chain(&self.clones)
    }

    fn require(&self, name: &DatabaseName) -> Result<PathBuf> {
        let path = self.path(name);
        match fs::symlink_metadata(&path) {
            Ok(data) if data.is_file() => Ok(path),
            Ok(_) => Err(DatabaseError::NotOurs(path.display().to_string(), "it is no plain file".into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(DatabaseError::Missing(name.to_string())),
            Err(error) => Err(DatabaseError::at(&path, &error)),
        }
    }
}

impl Server for SqliteFolder {
    fn facts(&self) -> Result<Facts> {
        let may_create = self.folders().all(Folder::is_writable);
        let grant = if may_create { String::new() } else { format!("chmod u+rwx {}", self.templates.path().display()) };
        Ok(Facts {
            vendor: "sqlite",
            version: String::new(),
            identity: self.templates.path().display().to_string(),
            may_create,
            grant,
            capacity: Capacity::default(),
        })
    }

    fn list(&self) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        for folder in self.folders() {
            for name in folder.names()? {
                // What lies in the folder of the others is none of ours: we would not find it again.
                if std::ptr::eq(self.folder(&name), folder) {
                    found.extend(self.look(&name)?);
                }
            }
        }
        Ok(found)
    }

    fn look(&self, name: &DatabaseName) -> Result<Option<Found>> {
        let folder = self.folder(name);
        let path = folder.database(name);
        let (size, owner) = match fs::symlink_metadata(&path) {
            Ok(data) if data.is_file() => (data.blocks() * 512, data.uid()),
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(DatabaseError::at(&path, &error)),
        };
        Ok(Some(Found {
            name: name.clone(),
            marker: folder.read_marker(name),
            id: name.to_string(),
            owned: owner == rustix::process::geteuid().as_raw(),
            size,
            sessions: 0,
            broken: false,
        }))
    }

    fn create(&self, name: &DatabaseName) -> Result<()> {
        self.folder(name).make()?;
        let path = self.path(name);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        made.map(drop).map_err(|error| DatabaseError::at(&path, &error))
    }

    fn mark(&self, name: &DatabaseName, marker: &dyn Fn(&str) -> Marker) -> Result<()> {
        self.require(name)?;
        write_marker(&self.folder(name).marker(name), &marker(name.as_str()), Durable::No)
    }

    fn seal(&self, name: &DatabaseName, marker: &dyn Fn(&str) -> Marker) -> Result<()> {
        let path = self.require(name)?;
        for side in paths::beside(&path) {
            // What is in there is not in the file yet, and the file alone is what gets copied.
            if fs::symlink_metadata(&side).is_ok_and(|data| data.len() > 0) {
                let why = format!("{} is there: a connection to it is still open", side.display());
                return Err(DatabaseError::Busy(name.to_string(), why));
            }
        }
        let file = File::open(&path).map_err(|error| DatabaseError::at(&path, &error))?;
        file.set_permissions(Permissions::from_mode(0o600)).map_err(|error| DatabaseError::at(&path, &error))?;
        file.sync_all().map_err(|error| DatabaseError::at(&path, &error))?;
        write_marker(&self.folder(name).marker(name), &marker(name.as_str()), Durable::Yes)
    }

    fn clone_template(
        &self,
        template: &DatabaseName,
        clone: &DatabaseName,
        marker: &dyn Fn(&str) -> Marker,
    ) -> Result<Made> {
        let source = self.require(template)?;
        let folder = self.folder(clone);
        folder.make()?;
        let path = folder.database(clone);
        copy_new(&source, &path)?;
        write_marker(&folder.marker(clone), &marker(clone.as_str()), Durable::No)?;
        Ok(Made { name: clone.clone(), identity: clone.to_string(), path: Some(path) })
    }

    fn restore(&self, template: &DatabaseName, clone: &DatabaseName) -> Result<Restored> {
        copy_over(&self.require(template)?, &self.require(clone)?)?;
        Ok(Restored::InPlace)
    }

    fn end_sessions(&self, _owned: &Owned) -> Result<u32> {
        Ok(0)
    }

    fn drop_database(&self, owned: &Owned) -> Result<()> {
        let folder = self.folder(owned.name());
        folder.remove(owned.name())?;
        if self.clones.as_ref().is_some_and(|clones| std::ptr::eq(clones, folder)) {
            folder.remove_if_empty();
        }
        Ok(())
    }

    fn lock(&self, key: &str, wait: Duration) -> Result<Option<Box<dyn Held>>> {
        locks::lock(self.templates.path(), key, wait)
    }

    fn lease(&self, run: &str) -> Result<Box<dyn Held>> {
        locks::lease(self.templates.path(), run)
    }

    fn is_leased(&self, run: &str) -> Result<bool> {
        locks::is_leased(self.templates.path(), run)
    }

    fn has_other_leases(&self, own: &str) -> Result<Option<bool>> {
        locks::has_others(self.templates.path(), own).map(Some)
    }

    fn dump(&self, template: &DatabaseName, file: &Path) -> Result<()> {
        dump(&self.require(template)?, file)
    }

    fn load(&self, name: &DatabaseName, file: &Path) -> Result<()> {
        load(file, &self.require(name)?)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
