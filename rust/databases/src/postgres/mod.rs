//! PostgreSQL.
//!
//! Every feature is SQL text through a [`Session`](crate::session::Session), so that it works the same over our own
//! driver ([`PostgresServer::new`]) and over the project's ([`PostgresServer::over`]).

mod catalog;
mod cloning;
mod dropping;
mod extras;
mod locks;
mod sealing;
mod session;
mod sql;
mod tls;

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use engine::guard::DatabaseName;

use crate::error::{DatabaseError, Result};
use crate::marker::Marker;
use crate::server::{Facts, Found, Held, Made, Owned, Restored, Server};
use crate::session::{Connector, Sessions};
use crate::target::Target;

pub use catalog::IDENTITY;

/// A PostgreSQL server, version 13 or newer.
pub struct PostgresServer {
    sessions: Sessions,
    settings: OnceLock<cloning::Settings>,
}

impl PostgresServer {
    /// A server that we reach with our own driver. Nothing is opened yet.
    pub fn new(target: Target) -> Self {
        Self::over(Box::new(session::Native::new(target)))
    }

    /// A server that is reached through somebody else's driver.
    pub fn over(connector: Box<dyn Connector>) -> Self {
        let sessions = Sessions::new(Box::new(session::Bounded::new(connector)));
        Self { sessions, settings: OnceLock::new() }
    }
}

impl Server for PostgresServer {
    fn facts(&self) -> Result<Facts> {
        self.sessions.with(catalog::facts)
    }

    /// Sizes are left at 0: to measure one takes a look at every file of the database. [`Server::look`] measures.
    fn list(&self) -> Result<Vec<Found>> {
        self.sessions.with(catalog::list)
    }

    fn look(&self, name: &DatabaseName) -> Result<Option<Found>> {
        self.sessions.with(|session| catalog::look(session, name))
    }

    fn create(&self, name: &DatabaseName) -> Result<()> {
        self.sessions.with(|session| cloning::create(session, name))
    }

    fn mark(&self, name: &DatabaseName, marker: &dyn Fn(&str) -> Marker) -> Result<()> {
        self.sessions.with(|session| catalog::mark(session, name, marker))
    }

    fn seal(&self, name: &DatabaseName, marker: &dyn Fn(&str) -> Marker) -> Result<()> {
        sealing::seal(&self.sessions, name, marker)
    }

    fn clone_template(
        &self,
        template: &DatabaseName,
        clone: &DatabaseName,
        marker: &dyn Fn(&str) -> Marker,
    ) -> Result<Made> {
        self.sessions.with(|session| cloning::clone_template(session, &self.settings, template, clone, marker))
    }

    /// Another clone costs one statement; to put rows back table by table would need to know every constraint.
    fn restore(&self, _template: &DatabaseName, _clone: &DatabaseName) -> Result<Restored> {
        Ok(Restored::UseAnother)
    }

    fn end_sessions(&self, owned: &Owned) -> Result<u32> {
        self.sessions.with(|session| dropping::end_sessions(session, owned.name(), owned.id()))
    }

    fn drop_database(&self, owned: &Owned) -> Result<()> {
        self.sessions.with(|session| dropping::drop_database(session, owned))
    }

    fn lock(&self, key: &str, wait: Duration) -> Result<Option<Box<dyn Held>>> {
        locks::lock(self.sessions.connector(), key, wait)
    }

    fn lease(&self, run: &str) -> Result<Box<dyn Held>> {
        locks::lease(self.sessions.connector(), run)
    }

    fn is_leased(&self, run: &str) -> Result<bool> {
        self.sessions.with(|session| locks::is_leased(session, run))
    }

    fn has_other_leases(&self, own: &str) -> Result<Option<bool>> {
        self.sessions.with(|session| locks::has_others(session, own)).map(Some)
    }

    fn dump(&self, template: &DatabaseName, _file: &Path) -> Result<()> {
        Err(DatabaseError::Unsupported(format!("{template}: PostgreSQL's own pg_dump writes templates into files")))
    }

    fn load(&self, name: &DatabaseName, _file: &Path) -> Result<()> {
        Err(DatabaseError::Unsupported(format!("{name}: PostgreSQL's own psql reads what pg_dump wrote")))
    }
}
