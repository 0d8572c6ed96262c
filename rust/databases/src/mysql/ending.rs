//! Ending connections and dropping databases.

use std::thread;
use std::time::{Duration, Instant};

use engine::guard::DatabaseName;

use crate::error::{DatabaseError, Result, SqlError};
use crate::server::Owned;
use crate::session::Session;

use super::failure::{ask, ask_one};
use super::marks::{self, Place};

/// How long ended connections may take to be gone: they roll back what they were about, which for a test is little.
const GONE_WITHIN: Duration = Duration::from_secs(5);
/// How often that is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often a drop is tried, each for the five seconds that a session of ours waits for a lock.
const DROPS: usize = 3;
/// The connection has ended by itself; or it is another user's and we may not end it.
const NOT_ENDED: [&str; 2] = ["1094", "1095"];

/// Ends every connection to the database but this one; how many. Waits until they are gone, for a limited time.
pub(super) fn end_sessions(session: &mut dyn Session, name: &DatabaseName) -> Result<u32> {
    let mut ended = 0;
    for id in connections(session, name)? {
        match session.query(&format!("KILL {id}")) {
            Ok(_) => ended += 1,
            Err(SqlError { code, .. }) if NOT_ENDED.contains(&code.as_str()) => {}
            Err(error) => return Err(super::failure::explain(error)),
        }
    }
    let limit = Instant::now() + GONE_WITHIN;
    while ended > 0 && !connections(session, name)?.is_empty() && Instant::now() < limit {
        thread::sleep(LOOK_EVERY);
    }
    Ok(ended)
}

/// The ids of the connections; the server lists those of other users only to administrators.
fn connections(session: &mut dyn Session, name: &DatabaseName) -> Result<Vec<u64>> {
    let list = "SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID()";
    let rows = ask(session, &format!("{list} AND DB = '{name}'"))?;
    Ok(rows.iter().filter_map(|row| row.first()?.as_ref()?.parse().ok()).collect())
}

/// Drops what was proven to be ours, after another look at its mark.
pub(super) fn drop_database(session: &mut dyn Session, place: Place, owned: &Owned) -> Result<()> {
    let name = owned.name();
    let Some(found) = marks::look(session, place, name)? else { return Ok(()) };
    if found.marker.is_some() {
        found.prove()?;
    }
    drop_with_force(session, name)
}

/// Drops a database, whoever uses it.
pub(super) fn drop_with_force(session: &mut dyn Session, name: &DatabaseName) -> Result<()> {
    for attempt in 1.. {
        end_sessions(session, name)?;
        match ask(session, &format!("DROP DATABASE IF EXISTS `{name}`")) {
            Err(DatabaseError::Busy(..)) if attempt < DROPS => {}
            Err(DatabaseError::Busy(_, why)) => return Err(DatabaseError::Busy(name.to_string(), why)),
            answer => return answer.map(drop),
        }
    }
    Ok(())
}

/// Whether the database is there.
pub(super) fn exists(session: &mut dyn Session, name: &DatabaseName) -> Result<bool> {
    let statement = format!("SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '{name}'");
    Ok(ask_one(session, &statement)?.is_some())
}
