//! Conversations with a server: SQL as text, answers as text.
//!
//! Everything that an engine does goes through [`Session`], so that it works the same over our own driver and over the
//! project's, whose cursor runs our statements where our driver does not reach the same server.

use std::sync::{Mutex, PoisonError};

use engine::guard::DatabaseName;

use crate::error::{Result, SqlError};

/// The rows of an answer; `None` is NULL.
pub type Rows = Vec<Vec<Option<String>>>;

/// One connection, outside of any transaction.
pub trait Session: Send {
    /// Runs one statement and reads its whole answer.
    ///
    /// # Errors
    /// What the server said, or that the connection is gone.
    fn query(&mut self, statement: &str) -> Result<Rows, SqlError>;
}

/// Opens connections to one server.
pub trait Connector: Send + Sync {
    /// Opens a connection to a database of ours, or, with `None`, to where databases are made from.
    ///
    /// # Errors
    /// [`crate::error::DatabaseError::Unreachable`] within the connect timeout of the target.
    fn connect(&self, database: Option<&DatabaseName>) -> Result<Box<dyn Session>>;
}

/// Connections that wait to be used again.
pub struct Sessions {
    connector: Box<dyn Connector>,
    idle: Mutex<Vec<Box<dyn Session>>>,
}

impl Sessions {
    /// No connection is opened yet.
    pub fn new(connector: Box<dyn Connector>) -> Self {
        Self { connector, idle: Mutex::new(Vec::new()) }
    }

    /// Where new connections come from.
    pub fn connector(&self) -> &dyn Connector {
        &*self.connector
    }

    /// Lends a connection to `act`, and keeps it for the next unless it was lost.
    ///
    /// A connection that was lost while it lay idle is replaced once; `act` must therefore not mind being called twice
    /// as long as its first statement failed.
    pub fn with<T>(&self, act: impl Fn(&mut dyn Session) -> Result<T>) -> Result<T> {
        if let Some(mut session) = self.take() {
            match act(&mut *session) {
                Err(crate::error::DatabaseError::Sql(error)) if error.lost => {}
                answer => {
                    self.give_back(session);
                    return answer;
                }
            }
        }
        let mut session = self.connector.connect(None)?;
        let answer = act(&mut *session);
        if !matches!(&answer, Err(crate::error::DatabaseError::Sql(error)) if error.lost) {
            self.give_back(session);
        }
        answer
    }

    fn take(&self) -> Option<Box<dyn Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give_back(&self, session: Box<dyn Session>) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }
}
