//! What every engine can do.

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::guard::DatabaseName;

use crate::error::{DatabaseError, Result};
use crate::marker::{Marker, Use};
use crate::names;

/// A database on a server whose name one of ours could have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: DatabaseName,
    /// Its mark; `None` = it has none that we can read.
    pub marker: Option<Marker>,
    /// What the server calls this very database: the oid on PostgreSQL, elsewhere its name.
    pub id: String,
    /// Whether our role owns it. Always true where the server has no owners.
    pub owned: bool,
    /// Bytes on disk, as far as the server tells.
    pub size: u64,
    /// Connections to it.
    pub sessions: u32,
    /// Whether the server itself says that it is broken (an interrupted DROP).
    pub broken: bool,
}

impl Found {
    /// The proof that it is ours: name, mark, identity and owner agree.
    ///
    /// # Errors
    /// [`DatabaseError::NotOurs`] with what does not agree.
    pub fn prove(&self) -> Result<Owned> {
        let Some(marker) = &self.marker else { return Err(self.foreign("it has no mark of ours")) };
        let matches = match names::kind_of(self.name.as_str()) {
            Some(names::Kind::Template) => marker.kind != Use::Clone,
            Some(names::Kind::Clone(run)) => marker.kind == Use::Clone && marker.run.starts_with(&run),
            None => false,
        };
        if !matches {
            return Err(self.foreign("its name and its mark disagree"));
        }
        if marker.id != self.id {
            return Err(self.foreign("its mark was made for another database"));
        }
        self.owned_by_us()
    }

    /// The proof where there is no mark yet: a dead run's journal says that it was about to make exactly this name.
    ///
    /// # Errors
    /// [`DatabaseError::NotOurs`] if it has a mark of ours after all, or another owner.
    pub fn prove_by_journal(&self, journalled: &DatabaseName) -> Result<Owned> {
        if &self.name != journalled || names::kind_of(self.name.as_str()).is_none() {
            return Err(self.foreign("no journal names it"));
        }
        if self.marker.is_some() { self.prove() } else { self.owned_by_us() }
    }

    fn owned_by_us(&self) -> Result<Owned> {
        if self.owned {
            Ok(Owned { name: self.name.clone(), id: self.id.clone() })
        } else {
            Err(self.foreign("another role owns it"))
        }
    }

    fn foreign(&self, why: &str) -> DatabaseError {
        DatabaseError::NotOurs(self.name.to_string(), why.to_owned())
    }
}

/// The proof that a database is ours and may be dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    name: DatabaseName,
    id: String,
}

impl Owned {
    /// Its name.
    pub fn name(&self) -> &DatabaseName {
        &self.name
    }

    /// What the server called it when it was proven; a server that can tell checks it again before it drops.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// A clone, as it stands on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its name.
    pub name: DatabaseName,
    /// What a connection can ask the server to know that it is in this very database: the oid on PostgreSQL, the
    /// schema's comment on MariaDB, elsewhere the name.
    pub identity: String,
    /// The file, for SQLite.
    pub path: Option<PathBuf>,
}

/// What a restore did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    /// The clone holds what the template holds again.
    InPlace,
    /// Another clone is the better way.
    UseAnother,
}

/// How many connections the server takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Its limit; 0 = none.
    pub limit: u32,
    /// How many of them are kept for administrators.
    pub reserved: u32,
    /// How many are in use now.
    pub used: u32,
}

/// What a server says about itself and about us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// `postgresql`, `mysql`, `mariadb` or `sqlite`.
    pub vendor: &'static str,
    /// Its version, as it says it.
    pub version: String,
    /// What proves that another connection reached the same server.
    pub identity: String,
    /// Whether our role may create databases.
    pub may_create: bool,
    /// What an administrator can run to allow it; empty if it is allowed.
    pub grant: String,
    /// How many connections it takes.
    pub capacity: Capacity,
}

/// Something that is held as long as the value lives: a lease or a lock. The server lets go of it when we die.
pub trait Held: Send {
    /// Whether it is still held.
    fn is_held(&mut self) -> bool;
}

/// A server that keeps databases, whichever its engine. Every call is bounded in time.
pub trait Server: Send + Sync {
    /// What it is.
    fn facts(&self) -> Result<Facts>;

    /// Every database whose name one of ours could have ([`names::kind_of`]).
    fn list(&self) -> Result<Vec<Found>>;

    /// One database; `None` = it is not there.
    fn look(&self, name: &DatabaseName) -> Result<Option<Found>>;

    /// Makes an empty database.
    fn create(&self, name: &DatabaseName) -> Result<()>;

    /// Writes a mark, made by `marker` from what the server calls the database.
    fn mark(&self, name: &DatabaseName, marker: &dyn Fn(&str) -> Marker) -> Result<()>;

    /// Ends every connection to a build, lets nobody in any more, tidies it so that copies are quick and nothing wakes
    /// up in it, and at last marks it as a template. Until that last statement it is a build.
    fn seal(&self, name: &DatabaseName, marker: &dyn Fn(&str) -> Marker) -> Result<()>;

    /// Copies a template under a new name, and marks the copy.
    fn clone_template(
        &self,
        template: &DatabaseName,
        clone: &DatabaseName,
        marker: &dyn Fn(&str) -> Marker,
    ) -> Result<Made>;

    /// Gives a clone the content of its template again, where that is cheaper than another clone.
    fn restore(&self, template: &DatabaseName, clone: &DatabaseName) -> Result<Restored>;

    /// Ends the connections to a database of ours; how many.
    fn end_sessions(&self, owned: &Owned) -> Result<u32>;

    /// Drops a database of ours, ending its connections. Not an error if it is gone.
    fn drop_database(&self, owned: &Owned) -> Result<()>;

    /// Waits for a lock on `key`, for at most `wait`; `None` = somebody else holds it.
    fn lock(&self, key: &str, wait: Duration) -> Result<Option<Box<dyn Held>>>;

    /// Says that `run` is alive, for as long as the value lives.
    fn lease(&self, run: &str) -> Result<Box<dyn Held>>;

    /// Whether some process says that `run` is alive.
    fn is_leased(&self, run: &str) -> Result<bool>;

    /// Whether some process says that a run other than `own` is alive; `None` = the server cannot list leases.
    fn has_other_leases(&self, own: &str) -> Result<Option<bool>> {
        let _ = own;
        Ok(None)
    }

    /// Writes a template into a file that [`Server::load`] reads.
    ///
    /// # Errors
    /// [`DatabaseError::Unsupported`] where the engine has a tool of its own for that.
    fn dump(&self, template: &DatabaseName, file: &Path) -> Result<()>;

    /// Fills an empty database from such a file.
    fn load(&self, name: &DatabaseName, file: &Path) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &DatabaseName, marker: impl Into<Option<Marker>>, owned: bool) -> Found {
        Found { name: name.clone(), marker: marker.into(), id: "7".into(), owned, size: 0, sessions: 0, broken: false }
    }

    fn mark(kind: Use, run: &str, id: &str) -> Marker {
        Marker::new(kind, "shop", run, "k", id, 1)
    }

    #[test]
    fn only_agreement_in_everything_is_a_proof() {
        let run = "0123456789abcdef";
        let (clone, template) = (names::clone_name("shop", run, 1), names::template_name("shop", 1));
        assert!(found(&clone, mark(Use::Clone, run, "7"), true).prove().is_ok());
        assert!(found(&template, mark(Use::Template, run, "7"), true).prove().is_ok());
        for foreign in [
            found(&clone, None, true),
            found(&clone, mark(Use::Clone, run, "8"), true),
            found(&clone, mark(Use::Clone, run, "7"), false),
            found(&clone, mark(Use::Clone, "ffff", "7"), true),
            found(&clone, mark(Use::Template, run, "7"), true),
            found(&template, mark(Use::Clone, run, "7"), true),
            found(&"test_shop".parse().unwrap(), mark(Use::Clone, run, "7"), true),
        ] {
            assert!(matches!(foreign.prove(), Err(DatabaseError::NotOurs(..))), "{foreign:?}");
        }
    }

    #[test]
    fn a_journal_proves_exactly_one_name() {
        let (one, other) = (names::template_name("shop", 1), names::template_name("shop", 2));
        assert!(found(&one, None, true).prove_by_journal(&one).is_ok());
        assert!(found(&one, None, true).prove_by_journal(&other).is_err());
        assert!(found(&one, None, false).prove_by_journal(&one).is_err());
        assert!(found(&one, mark(Use::Template, "0a", "8"), true).prove_by_journal(&one).is_err());
    }
}
