//! MySQL and MariaDB.
//!
//! Neither copies a database by itself, so a clone is made by the server's own statements: the definition of every
//! object, then `INSERT … SELECT` of the rows, over a few connections side by side. Everything goes through
//! [`Session::query`] as text, so that the project's own driver can carry it; binary values never leave the server,
//! except as hexadecimal digits into a file.
//!
//! Tested with MariaDB 10.11. The paths that only Oracle MySQL takes (the mark in a table, its `server_uuid`) are small;
//! the mark's is tested on MariaDB, and none of them has run on MySQL itself.

mod blueprint;
mod copying;
mod driver;
mod ending;
mod facts;
mod failure;
mod held;
mod marks;
mod portable;
mod programs;
mod quoting;
mod restoring;
mod settings;
#[cfg(test)]
pub(crate) mod tests;
mod tokens;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use engine::guard::DatabaseName;

use crate::error::{DatabaseError, Result};
use crate::marker::Marker;
use crate::names;
use crate::server::{Facts, Found, Held, Made, Owned, Restored, Server};
use crate::session::{Connector, Session, Sessions};
use crate::target::Target;

use blueprint::Blueprint;
use copying::Lanes;
pub use facts::IDENTITY;
use facts::Vendor;
use failure::{ask, ask_one, said};
use marks::Place;

/// There is a database of this name.
const EXISTS: &str = "1007";

/// A server of either vendor; which one, it says itself.
pub struct MysqlServer {
    sessions: Sessions,
    lanes: usize,
    vendor: OnceLock<Vendor>,
    place: Option<Place>,
    blueprints: Mutex<HashMap<DatabaseName, Arc<Blueprint>>>,
}

impl MysqlServer {
    /// Through our own connections. None is opened yet.
    pub fn new(target: Target) -> Self {
        Self::with_lanes(Box::new(driver::Driver::new(target)), copying::LANES)
    }

    /// Through somebody else's connections, of which one is used at a time for copying.
    pub fn over(connector: Box<dyn Connector>) -> Self {
        Self::with_lanes(connector, 1)
    }

    fn with_lanes(connector: Box<dyn Connector>, lanes: usize) -> Self {
        Self {
            sessions: Sessions::new(Box::new(settings::Prepared(connector))),
            lanes,
            vendor: OnceLock::new(),
            place: None,
            blueprints: Mutex::new(HashMap::new()),
        }
    }

    /// Lends a connection; a refusal then says what would allow it.
    fn with<T>(&self, act: impl Fn(&mut dyn Session) -> Result<T>) -> Result<T> {
        self.advise(self.sessions.with(act))
    }

    /// Adds to a refusal what an administrator can run.
    fn advise<T>(&self, answer: Result<T>) -> Result<T> {
        let Err(DatabaseError::Permission { message, grant }) = answer else { return answer };
        let ask_user = |session: &mut dyn Session| ask_one(session, "SELECT CURRENT_USER()");
        let grant = match grant.is_empty().then(|| self.sessions.with(ask_user)) {
            Some(Ok(Some(user))) => facts::grant_for(&user),
            _ => grant,
        };
        Err(DatabaseError::Permission { message, grant })
    }

    fn connect(&self, database: &DatabaseName) -> Result<Box<dyn Session>> {
        self.sessions.connector().connect(Some(database))
    }

    fn vendor(&self) -> Result<&Vendor> {
        if let Some(vendor) = self.vendor.get() {
            return Ok(vendor);
        }
        let version = self.with(|session| ask_one(session, "SELECT VERSION()"))?.unwrap_or_default();
        Ok(self.vendor.get_or_init(|| Vendor::parse(&version)))
    }

    fn place(&self) -> Result<Place> {
        /// The first MariaDB with comments of schemata.
        const COMMENTS: (u32, u32) = (10, 5);
        Ok(match self.place {
            Some(place) => place,
            None if self.vendor()?.is_mariadb(COMMENTS) => Place::Comment,
            None => Place::Table,
        })
    }

    /// What a template is made of, read at the first need.
    fn blueprint(&self, template: &DatabaseName) -> Result<Arc<Blueprint>> {
        let known = || self.blueprints.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(blueprint) = known().get(template) {
            return Ok(Arc::clone(blueprint));
        }
        let vendor = self.vendor()?;
        let read = Arc::new(blueprint::read(&mut *self.connect(template)?, template, vendor)?);
        known().insert(template.clone(), Arc::clone(&read));
        Ok(read)
    }

    fn forget(&self, name: &DatabaseName) {
        self.blueprints.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Makes a database, with clauses behind its name. The name is random, so one that is there is somebody's.
    fn make(&self, name: &DatabaseName, clauses: &str) -> Result<()> {
        match self.with(|session| ask(session, &format!("CREATE DATABASE `{name}`{clauses}"))) {
            Err(error) if said(&error, EXISTS) => {
                Err(DatabaseError::NotOurs(name.to_string(), "there is a database of this name already".to_owned()))
            }
            answer => answer.map(drop),
        }
    }

    fn copy(&self, blueprint: &Blueprint, clone: &DatabaseName, mark: &Marker) -> Result<()> {
        let place = self.place()?;
        if place == Place::Table {
            self.with(|session| place.write(session, clone, mark))?;
        }
        let mut lanes = Lanes::open(self.sessions.connector(), clone, self.lanes)?;
        copying::build(&mut lanes, blueprint, clone, |lanes| {
            lanes.run(&copying::fill_statements(blueprint.tables.iter(), &blueprint.schema), true)
        })
    }

    fn fill_from(&self, name: &DatabaseName, file: &Path) -> Result<()> {
        let (blueprint, rows) = portable::check(file)?.open(self.vendor()?.name)?;
        let (charset, collation) = (&blueprint.charset, &blueprint.collation);
        let defaults = format!("ALTER DATABASE `{name}` CHARACTER SET {charset} COLLATE {collation}");
        self.with(|session| ask(session, &defaults))?;
        let mut lanes = Lanes::open(self.sessions.connector(), name, self.lanes)?;
        copying::build(&mut lanes, &blueprint, name, |lanes| {
            let session = lanes.first();
            ask(session, "START TRANSACTION")?;
            let answer = rows.into_iter().try_for_each(|statement| ask(session, &statement?).map(drop));
            ask(session, if answer.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
            answer
        })
    }
}

impl Server for MysqlServer {
    fn facts(&self) -> Result<Facts> {
        let vendor = self.vendor()?;
        self.with(|session| facts::read(session, vendor))
    }

    fn list(&self) -> Result<Vec<Found>> {
        let place = self.place()?;
        self.with(|session| marks::list(session, place))
    }

    fn look(&self, name: &DatabaseName) -> Result<Option<Found>> {
        let place = self.place()?;
        self.with(|session| marks::look(session, place, name))
    }

    fn create(&self, name: &DatabaseName) -> Result<()> {
        self.make(name, "")
    }

    fn mark(&self, name: &DatabaseName, marker: &dyn Fn(&str) -> Marker) -> Result<()> {
        let place = self.place()?;
        let mark = marker(name.as_str());
        self.with(|session| place.write(session, name, &mark))
    }

    fn seal(&self, name: &DatabaseName, marker: &dyn Fn(&str) -> Marker) -> Result<()> {
        self.forget(name);
        self.with(|session| ending::end_sessions(session, name))?;
        self.advise(programs::put_events_to_sleep(&mut *self.connect(name)?, name))?;
        self.mark(name, marker)
    }

    fn clone_template(
        &self,
        template: &DatabaseName,
        clone: &DatabaseName,
        marker: &dyn Fn(&str) -> Marker,
    ) -> Result<Made> {
        if names::kind_of(template.as_str()) != Some(names::Kind::Template) {
            // A clone that is copied may have changed since it was copied last.
            self.forget(template);
        }
        let blueprint = self.advise(self.blueprint(template))?;
        let (mark, place) = (marker(clone.as_str()), self.place()?);
        let (charset, collation, comment) = (&blueprint.charset, &blueprint.collation, place.clause(&mark));
        self.make(clone, &format!(" CHARACTER SET {charset} COLLATE {collation}{comment}"))?;
        if let Err(error) = self.advise(self.copy(&blueprint, clone, &mark)) {
            // The statement above made it, so it is ours; what went wrong first is what the user must know.
            let _ = self.with(|session| ending::drop_with_force(session, clone));
            return Err(error);
        }
        let identity = if place == Place::Comment { mark.to_text() } else { clone.to_string() };
        Ok(Made { name: clone.clone(), identity, path: None })
    }

    fn restore(&self, template: &DatabaseName, clone: &DatabaseName) -> Result<Restored> {
        let blueprint = self.advise(self.blueprint(template))?;
        let vendor = self.vendor()?;
        self.advise(restoring::restore(&mut *self.connect(clone)?, &blueprint, clone, vendor))
    }

    fn end_sessions(&self, owned: &Owned) -> Result<u32> {
        self.with(|session| ending::end_sessions(session, owned.name()))
    }

    fn drop_database(&self, owned: &Owned) -> Result<()> {
        self.forget(owned.name());
        let place = self.place()?;
        self.with(|session| ending::drop_database(session, place, owned))
    }

    fn lock(&self, key: &str, wait: Duration) -> Result<Option<Box<dyn Held>>> {
        let session = self.sessions.connector().connect(None)?;
        Ok(held::take(session, held::lock_name(key), wait)?.map(|lock| Box::new(lock) as Box<dyn Held>))
    }

    fn lease(&self, run: &str) -> Result<Box<dyn Held>> {
        let session = self.sessions.connector().connect(None)?;
        let lease = held::take(session, held::lease_name(run), Duration::ZERO)?;
        let taken = || DatabaseError::Busy(format!("the lease of run {run}"), "another process holds it".to_owned());
        Ok(Box::new(lease.ok_or_else(taken)?))
    }

    fn is_leased(&self, run: &str) -> Result<bool> {
        let name = held::lease_name(run);
        self.with(|session| held::is_taken(session, &name))
    }

    fn dump(&self, template: &DatabaseName, file: &Path) -> Result<()> {
        let (blueprint, vendor) = (self.advise(self.blueprint(template))?, self.vendor()?);
        let mut session = self.connect(template)?;
        self.advise(portable::dump(&mut *session, (*blueprint).clone(), vendor, file))
    }

    fn load(&self, name: &DatabaseName, file: &Path) -> Result<()> {
        self.advise(self.fill_from(name, file))
    }
}
