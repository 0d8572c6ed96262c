//! What the server says about itself, about us and about its databases.

use engine::guard::{DatabaseName, MARKER};

use super::sql::{ask, cell, identifier, is_true, literal, number, tell};
use crate::error::{DatabaseError, Result};
use crate::marker::Marker;
use crate::names;
use crate::server::{Capacity, Facts, Found};
use crate::session::{Rows, Session};

/// The statement whose only cell tells one server from another. Every role may run it, on every supported version:
/// `pg_control_system()` can be forbidden, and an address differs between two ways to the same server. Two servers on
/// one machine differ in the port, and a server that took another's place in the microsecond when it started.
pub const IDENTITY: &str = "SELECT pg_catalog.current_setting('server_version_num') OPERATOR(pg_catalog.||) ':' \
    OPERATOR(pg_catalog.||) pg_catalog.current_setting('port') OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) \
    pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.pg_postmaster_start_time()), 'YYYYMMDDHH24MISSUS')";

/// The oldest version that can drop a database in use, as `server_version_num`.
const OLDEST: u32 = 130_000;
/// Connections of people and programs have a database and a user; the server's own processes lack one of them. The
/// kind of a process would say it more directly, but is hidden from ordinary roles.
const CONNECTIONS: &str = "FROM pg_stat_activity AS a WHERE a.datid IS NOT NULL AND a.usesysid IS NOT NULL";

pub(super) fn facts(session: &mut dyn Session) -> Result<Facts> {
    let identity = ask(session, IDENTITY, "the server")?;
    let statement = format!(
        "SELECT current_setting('server_version'), current_user, r.rolcreatedb OR r.rolsuper, r.rolconnlimit, \
         current_setting('max_connections'), current_setting('superuser_reserved_connections'), \
         current_setting('reserved_connections', true), (SELECT count(*) {CONNECTIONS}), \
         (SELECT count(*) {CONNECTIONS} AND a.usesysid = r.oid), current_setting('server_version_num') \
         FROM pg_roles AS r WHERE r.rolname = current_user"
    );
    let rows = ask(session, &statement, "the server")?;
    let row = rows.first().map(Vec::as_slice).unwrap_or_default();
    if number::<u32>(row, 9) < OLDEST {
        let version = cell(row, 0);
        return Err(DatabaseError::Unsupported(format!("PostgreSQL {version} is too old: clones need 13 or newer")));
    }
    let may_create = is_true(row, 2);
    Ok(Facts {
        vendor: "postgresql",
        version: cell(row, 0).to_owned(),
        identity: identity.first().map(|row| cell(row, 0).to_owned()).unwrap_or_default(),
        may_create,
        grant: if may_create { String::new() } else { grant_to(cell(row, 1)) },
        capacity: capacity(row),
    })
}

/// The role's own limit counts where it is the narrower one.
fn capacity(row: &[Option<String>]) -> Capacity {
    let (limit, reserved) = (number::<u32>(row, 4), number::<u32>(row, 5) + number::<u32>(row, 6));
    match cell(row, 3).parse::<u32>() {
        Ok(own) if own < limit.saturating_sub(reserved) => Capacity { limit: own, reserved: 0, used: number(row, 8) },
        _ => Capacity { limit, reserved, used: number(row, 7) },
    }
}

/// What lets a role create databases.
fn grant_to(role: &str) -> String {
    format!("ALTER ROLE {} CREATEDB;", identifier(role))
}

/// The same error, with what would help if our role may not create databases.
pub(super) fn with_grant(session: &mut dyn Session, error: DatabaseError) -> DatabaseError {
    let DatabaseError::Permission { message, .. } = error else { return error };
    let statement = "SELECT rolname FROM pg_roles WHERE rolname = current_user AND NOT (rolcreatedb OR rolsuper)";
    let rows = session.query(statement).unwrap_or_default();
    DatabaseError::Permission { message, grant: rows.first().map(|row| grant_to(cell(row, 0))).unwrap_or_default() }
}

pub(super) fn list(session: &mut dyn Session) -> Result<Vec<Found>> {
    let condition = format!("left(d.datname, {}) = {}", MARKER.len(), literal(MARKER));
    Ok(found(&ask(session, &inspection("0", &condition), "the databases")?))
}

pub(super) fn look(session: &mut dyn Session, name: &DatabaseName) -> Result<Option<Found>> {
    // Without the right to connect, to ask for the size is an error.
    let size = "CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) END";
    let condition = format!("d.datname = {}", literal(name.as_str()));
    Ok(found(&ask(session, &inspection(size, &condition), name.as_str())?).pop())
}

fn inspection(size: &str, condition: &str) -> String {
    format!(
        "SELECT d.datname, d.oid, shobj_description(d.oid, 'pg_database'), pg_get_userbyid(d.datdba) = current_user, \
         {size}, (SELECT count(*) {CONNECTIONS} AND a.datid = d.oid), d.datconnlimit = -2 \
         FROM pg_database AS d WHERE {condition} ORDER BY d.datname"
    )
}

fn found(rows: &Rows) -> Vec<Found> {
    let read = |row: &Vec<Option<String>>| {
        names::kind_of(cell(row, 0))?;
        Some(Found {
            name: cell(row, 0).parse().ok()?,
            marker: Marker::parse(cell(row, 2)),
            id: cell(row, 1).to_owned(),
            owned: is_true(row, 3),
            size: number(row, 4),
            sessions: number(row, 5),
            broken: is_true(row, 6),
        })
    };
    rows.iter().filter_map(read).collect()
}

/// The oid of a database.
pub(super) fn oid_of(session: &mut dyn Session, name: &DatabaseName) -> Result<String> {
    let statement = format!("SELECT oid FROM pg_database WHERE datname = {}", literal(name.as_str()));
    let rows = ask(session, &statement, name.as_str())?;
    rows.first().map(|row| cell(row, 0).to_owned()).ok_or_else(|| DatabaseError::Missing(name.to_string()))
}

/// Writes a mark. If somebody replaced the database since its oid was read, the mark does not match and proves nothing.
pub(super) fn mark(session: &mut dyn Session, name: &DatabaseName, marker: &dyn Fn(&str) -> Marker) -> Result<()> {
    if names::kind_of(name.as_str()).is_none() {
        return Err(DatabaseError::NotOurs(name.to_string(), "its name is none of ours".to_owned()));
    }
    let oid = oid_of(session, name)?;
    comment(session, name, &marker(&oid))
}

/// Writes a mark on a database whose oid is known.
pub(super) fn comment(session: &mut dyn Session, name: &DatabaseName, marker: &Marker) -> Result<()> {
    let statement = format!("COMMENT ON DATABASE {} IS {}", identifier(name.as_str()), literal(&marker.to_text()));
    tell(session, &statement, name.as_str())
}
