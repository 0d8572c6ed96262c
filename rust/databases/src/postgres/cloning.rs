//! Copies of templates.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use engine::guard::DatabaseName;

use super::extras::Extras;
use super::sql::{ask, cell, explain, identifier, number};
use super::{catalog, dropping};
use crate::error::{DatabaseError, Result, SqlError};
use crate::marker::Marker;
use crate::server::Made;
use crate::session::Session;

/// How long to try again while somebody uses the template. The server waits 5 s itself each time.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest pause between two attempts, in milliseconds: two that collided should not collide again.
const JITTER: u64 = 200;

/// What decides how the server copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    /// `server_version_num`.
    version: u32,
    /// Whether the server waits for its disk.
    durable: bool,
}

impl Settings {
    fn read(session: &mut dyn Session) -> Result<Self> {
        let statement = "SELECT current_setting('server_version_num'), current_setting('fsync')";
        let rows = ask(session, statement, "the server")?;
        let row = rows.first().map(Vec::as_slice).unwrap_or_default();
        Ok(Self { version: number(row, 0), durable: cell(row, 1) != "off" })
    }

    /// The clause that says how to copy.
    ///
    /// Copying files needs two checkpoints, which wait for the disk and slow down everybody; logging every page does not.
    /// Measured on PostgreSQL 15 with 10, 100 and 280 tables, in ms, logging against copying. Durable: 48 : 103,
    /// 580 : 954, 2,068 : 2,696, and to drop the clone afterwards 149 : 1,505. With `fsync=off` on the same disk 22 : 19
    /// and 284 : 244, in memory 78 : 48 and 126 : 78. Before version 15 the server can only copy.
    fn strategy(self) -> &'static str {
        if self.version >= 150_000 && !self.durable { " STRATEGY file_copy" } else { "" }
    }
}

pub(super) fn create(session: &mut dyn Session, name: &DatabaseName) -> Result<()> {
    let statement = format!("CREATE DATABASE {}", identifier(name.as_str()));
    patiently(session, &statement, name, None)
}

pub(super) fn clone_template(
    session: &mut dyn Session,
    settings: &OnceLock<Settings>,
    template: &DatabaseName,
    clone: &DatabaseName,
    marker: &dyn Fn(&str) -> Marker,
) -> Result<Made> {
    let settings = match settings.get() {
        Some(settings) => *settings,
        None => *settings.get_or_init(|| Settings::read(session).unwrap_or(Settings { version: 0, durable: true })),
    };
    let (source, copy) = (identifier(template.as_str()), identifier(clone.as_str()));
    let statement = format!("CREATE DATABASE {copy} TEMPLATE {source}{}", settings.strategy());
    patiently(session, &statement, clone, Some(template))?;
    let extras = Extras::read(session, template, clone)?;
    catalog::comment(session, clone, &marker(&extras.oid))?;
    extras.replay(session, clone)?;
    Ok(Made { name: clone.clone(), identity: extras.oid, path: None })
}

/// Runs CREATE DATABASE, again while somebody else uses what it copies.
fn patiently(
    session: &mut dyn Session,
    statement: &str,
    name: &DatabaseName,
    template: Option<&DatabaseName>,
) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let Err(error) = session.query(statement) else { return Ok(()) };
        let in_use = !error.lost && matches!(error.code.as_str(), "55006" | "55P03");
        if !in_use || Instant::now() > deadline {
            let refused = refusal(error, name, template);
            return Err(catalog::with_grant(session, refused));
        }
        if let Some(template) = template {
            end_stragglers(session, template);
        }
        sleep(Duration::from_millis(RandomState::new().build_hasher().finish() % JITTER));
    }
}

/// What the server's refusal means.
fn refusal(error: SqlError, name: &DatabaseName, template: Option<&DatabaseName>) -> DatabaseError {
    match (error.code.as_str(), template) {
        // The second is what the slower of two gets that made the same name at once.
        ("42P04" | "23505", _) => DatabaseError::Busy(name.to_string(), "the name is taken".to_owned()),
        ("3D000", Some(template)) => DatabaseError::Missing(template.to_string()),
        (_, Some(template)) => explain(error, template.as_str()),
        (_, None) => explain(error, name.as_str()),
    }
}

/// Ends connections to the template, if it certainly is ours; an error shows when the copy is tried again.
fn end_stragglers(session: &mut dyn Session, template: &DatabaseName) {
    if let Ok(Some(found)) = catalog::look(session, template)
        && let Ok(owned) = found.prove()
    {
        let _ = dropping::end_sessions(session, owned.name(), owned.id());
    }
}
