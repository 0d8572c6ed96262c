//! Marks: in the comment of a schema on MariaDB, in a table of its own on MySQL, which has no such comments.

use engine::guard::DatabaseName;

use crate::error::{DatabaseError, Result};
use crate::marker::Marker;
use crate::names;
use crate::server::Found;
use crate::session::Session;

use super::failure::{ask, ask_one, said};
use super::{ending, quoting};

/// The table with the mark. It is no part of a template: it is not copied, compared, emptied or dumped.
pub(super) const TABLE: &str = "__pytest_concurrent";
/// There is no such table.
const NO_TABLE: &str = "1146";

/// Where the marks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `ALTER DATABASE … COMMENT`, MariaDB 10.5 and later.
    Comment,
    /// One row of a table inside; MySQL.
    Table,
}

impl Place {
    /// The clause that marks a database as it is made; empty if that takes a statement of its own.
    pub(super) fn clause(self, mark: &Marker) -> String {
        match self {
            Self::Comment => format!(" COMMENT {}", quoting::text(&mark.to_text())),
            Self::Table => String::new(),
        }
    }

    /// Writes a mark; one statement makes it valid.
    pub(super) fn write(self, session: &mut dyn Session, name: &DatabaseName, mark: &Marker) -> Result<()> {
        match self.put(session, name, mark) {
            // MariaDB says that it cannot write a file then.
            Err(DatabaseError::Sql(error)) if !error.lost && !ending::exists(session, name)? => {
                Err(DatabaseError::Missing(name.to_string()))
            }
            answer => answer,
        }
    }

    fn put(self, session: &mut dyn Session, name: &DatabaseName, mark: &Marker) -> Result<()> {
        let mark = quoting::text(&mark.to_text());
        match self {
            Self::Comment => ask(session, &format!("ALTER DATABASE `{name}` COMMENT {mark}"))?,
            Self::Table => {
                let columns = "id TINYINT PRIMARY KEY, mark TEXT CHARACTER SET utf8mb4 NOT NULL";
                ask(session, &format!("CREATE TABLE IF NOT EXISTS `{name}`.`{TABLE}` ({columns})"))?;
                ask(session, &format!("REPLACE INTO `{name}`.`{TABLE}` VALUES (1, {mark})"))?
            }
        };
        Ok(())
    }

    /// The databases with names of ours and their marks; only `name`, if it is given.
    fn read(self, session: &mut dyn Session, only: Option<&DatabaseName>) -> Result<Vec<Found>> {
        let comment = if self == Self::Comment { "SCHEMA_COMMENT" } else { "NULL" };
        let filter =
            only.map_or_else(|| "LEFT(SCHEMA_NAME, 5) = 'test_'".to_owned(), |name| format!("SCHEMA_NAME = '{name}'"));
        let schemata = format!("SELECT SCHEMA_NAME, {comment} FROM information_schema.SCHEMATA WHERE {filter}");
        let mut found = Vec::new();
        for row in ask(session, &schemata)? {
            let [Some(name), comment] = &row[..] else { continue };
            let Ok(name) = name.parse::<DatabaseName>() else { continue };
            if names::kind_of(name.as_str()).is_none() {
                continue;
            }
            let text = if self == Self::Comment { comment.clone() } else { from_table(session, &name)? };
            let marker = text.and_then(|text| Marker::parse(&text));
            let id = name.to_string();
            found.push(Found { name, marker, id, owned: true, size: 0, sessions: 0, broken: false });
        }
        Ok(found)
    }
}

fn from_table(session: &mut dyn Session, name: &DatabaseName) -> Result<Option<String>> {
    match ask_one(session, &format!("SELECT mark FROM `{name}`.`{TABLE}` WHERE id = 1")) {
        // It was dropped since, or it is somebody's table with other columns: no mark.
        Err(DatabaseError::Missing(_) | DatabaseError::Permission { .. }) => Ok(None),
        Err(error) if said(&error, NO_TABLE) || said(&error, "1054") => Ok(None),
        answer => answer,
    }
}

/// Every database with a name of ours, without sizes.
pub(super) fn list(session: &mut dyn Session, place: Place) -> Result<Vec<Found>> {
    let mut found = place.read(session, None)?;
    let sessions = "SELECT DB, COUNT(*) FROM information_schema.PROCESSLIST WHERE DB IS NOT NULL GROUP BY DB";
    for row in ask(session, sessions)? {
        let [Some(database), Some(count)] = &row[..] else { continue };
        for one in found.iter_mut().filter(|one| one.name.as_str() == database) {
            one.sessions = count.parse().unwrap_or(0);
        }
    }
    Ok(found)
}

/// One database, with its size as far as the engine's statistics tell.
pub(super) fn look(session: &mut dyn Session, place: Place, name: &DatabaseName) -> Result<Option<Found>> {
    let Some(mut found) = place.read(session, Some(name))?.into_iter().next() else { return Ok(None) };
    let number = |session: &mut dyn Session, statement: String| -> Result<u64> {
        Ok(ask_one(session, &statement)?.and_then(|text| text.parse().ok()).unwrap_or(0))
    };
    let size = "SELECT CAST(COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) AS CHAR) FROM information_schema.TABLES";
    found.size = number(session, format!("{size} WHERE TABLE_SCHEMA = '{name}'"))?;
    found.sessions =
        number(session, format!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = '{name}'"))? as u32;
    Ok(Some(found))
}
