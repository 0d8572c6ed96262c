//! Ending connections and dropping databases. What is dropped has been proven to be ours.

use std::thread::sleep;
use std::time::{Duration, Instant};

use engine::guard::DatabaseName;

use super::sql::{ask, cell, identifier, is_true, literal, number, tell};
use crate::error::{DatabaseError, Result};
use crate::server::Owned;
use crate::session::Session;

/// How long connections may take to end. The server itself waits 5 s for them when it copies or drops.
const GOODBYE: Duration = Duration::from_secs(10);
/// How often to look whether they have ended; a connection needs about 1 ms.
const GLANCE: Duration = Duration::from_millis(5);

/// Ends the connections to the database that has this oid, and waits until they are gone; how many there were.
pub(super) fn end_sessions(session: &mut dyn Session, name: &DatabaseName, oid: &str) -> Result<u32> {
    // Processes without a user are the server's own: only a superuser may end them, and they go by themselves.
    let connections = format!(
        "FROM pg_stat_activity AS a WHERE a.datid = {} AND a.usesysid IS NOT NULL AND a.pid <> pg_backend_pid()",
        literal(oid)
    );
    let end = format!("SELECT count(*), count(*) FILTER (WHERE pg_terminate_backend(a.pid)) {connections}");
    let count = format!("SELECT count(*) {connections}");
    let deadline = Instant::now() + GOODBYE;
    let mut ended: Option<u32> = None;
    loop {
        let rows = match ask(session, &end, name.as_str()) {
            // An administrator's can only be waited for; it may be about to end by itself.
            Err(DatabaseError::Permission { .. }) => ask(session, &count, name.as_str())?,
            answer => answer?,
        };
        let left: u32 = rows.first().map(|row| number(row, 0)).unwrap_or_default();
        let ended = *ended.get_or_insert(left);
        if left == 0 {
            return Ok(ended);
        }
        if Instant::now() > deadline {
            return Err(DatabaseError::Busy(name.to_string(), who(session, oid)?));
        }
        sleep(GLANCE);
    }
}

/// Who is connected, for people.
fn who(session: &mut dyn Session, oid: &str) -> Result<String> {
    let statement = format!(
        "SELECT pid, usename, application_name FROM pg_stat_activity WHERE datid = {} ORDER BY pid LIMIT 5",
        literal(oid)
    );
    let rows = ask(session, &statement, "the connections")?;
    let names = rows.iter().map(|row| {
        let (process, user, program) = (cell(row, 0), cell(row, 1), cell(row, 2));
        format!("process {process} of user {user:?} ({program})")
    });
    Ok(names.collect::<Vec<_>>().join(", "))
}

/// Drops the database if it still is the one that was proven to be ours.
pub(super) fn drop_database(session: &mut dyn Session, owned: &Owned) -> Result<()> {
    let name = owned.name();
    let statement = format!(
        "SELECT d.oid, d.datistemplate AND d.datconnlimit <> -2, \
         EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.datid = d.oid) FROM pg_database AS d WHERE d.datname = {}",
        literal(name.as_str())
    );
    let rows = ask(session, &statement, name.as_str())?;
    let Some(row) = rows.first() else { return Ok(()) };
    if cell(row, 0) != owned.id() {
        let why = "another database has taken its name since it was proven";
        return Err(DatabaseError::NotOurs(name.to_string(), why.to_owned()));
    }
    if is_true(row, 1) {
        tell(session, &format!("ALTER DATABASE {} IS_TEMPLATE false", identifier(name.as_str())), name.as_str())?;
    }
    if is_true(row, 2) {
        // A connection that is just ending makes DROP sleep for 100 ms, and makes us look again in 5. Whatever fails
        // here, DROP says better.
        let _ = end_sessions(session, name, owned.id());
    }
    let dropped = format!("DROP DATABASE {} WITH (FORCE)", identifier(name.as_str()));
    match session.query(&dropped) {
        Err(error) if error.code == "3D000" => Ok(()),
        answer => answer.map(drop).map_err(|error| super::sql::explain(error, name.as_str())),
    }
}
