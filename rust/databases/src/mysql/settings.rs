//! How a session is set up, ours or somebody else's, before it does anything.

use engine::guard::DatabaseName;

use crate::error::Result;
use crate::session::{Connector, Session};

use super::failure::ask;

/// How our sessions read SQL: zeros and odd dates are taken as they are, no engine is replaced by another.
pub(super) const SQL_MODE: &str = "NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION";
/// The character set that we talk in.
pub(super) const CHARSET: &str = "utf8mb4";

/// One statement for both vendors. Five seconds for a lock instead of a day: a statement that needs longer waits for
/// somebody who must be ended. A day of idleness instead of eight hours or less: a lease lives as long as its session.
/// What is between `/*M!` and `*/` only MariaDB reads, between `/*!` and `*/` only MySQL of that version (MariaDB skips
/// versions of 50700 and more).
fn statement() -> String {
    format!(
        "SET NAMES {CHARSET}, sql_mode = '{SQL_MODE}', foreign_key_checks = 0, unique_checks = 0, \
         lock_wait_timeout = 5, innodb_lock_wait_timeout = 5, wait_timeout = 86400, time_zone = '+00:00', \
         sql_quote_show_create = 1, autocommit = 1 \
         /*M! , check_constraint_checks = 0 */ /*M!101100 , system_versioning_insert_history = 1 */ \
         /*!80000 , information_schema_stats_expiry = 0 */"
    )
}

/// Sets every session up that another connector opens.
pub(super) struct Prepared(pub(super) Box<dyn Connector>);

impl Connector for Prepared {
    fn connect(&self, database: Option<&DatabaseName>) -> Result<Box<dyn Session>> {
        let mut session = self.0.connect(database)?;
        ask(&mut *session, &statement())?;
        Ok(session)
    }
}
