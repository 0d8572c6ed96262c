//! What a template is made of, read once: a sealed template does not change.

use std::collections::HashMap;

use engine::guard::DatabaseName;
use serde::{Deserialize, Serialize};

use crate::error::{DatabaseError, Result};
use crate::session::Session;

use super::facts::Vendor;
use super::failure::ask;
use super::programs::{self, Program};
use super::{marks, quoting};

/// Engines whose tables are in this database and nowhere else, so that a copy of a table has its own rows.
const ENGINES: [&str; 6] = ["InnoDB", "MyISAM", "Aria", "MEMORY", "ARCHIVE", "ROCKSDB"];
/// How many tables are asked for their first row in one statement.
const PROBES: usize = 50;
/// From here on history can be inserted into system-versioned tables.
const HISTORY: (u32, u32) = (10, 11);

/// Everything but the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Blueprint {
    /// The name that statements may be qualified with. Text, as a file may hold any.
    pub(super) schema: String,
    /// Default character set.
    pub(super) charset: String,
    /// Default collation.
    pub(super) collation: String,
    /// Sequences, before tables whose defaults use them.
    pub(super) sequences: Vec<Sequence>,
    /// Tables.
    pub(super) tables: Vec<Table>,
    /// Routines, triggers, views and events, in this order.
    pub(super) programs: Vec<Program>,
}

/// A sequence of MariaDB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sequence {
    /// Its name.
    pub(super) name: String,
    /// `CREATE SEQUENCE`.
    pub(super) statement: String,
    /// The next value, and how often it went round.
    pub(super) state: (String, String),
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Table {
    /// Its name.
    pub(super) name: String,
    /// `CREATE TABLE`.
    pub(super) statement: String,
    /// The columns that are copied, all that are not generated, with their types.
    pub(super) columns: Vec<Column>,
    /// Whether it has rows.
    pub(super) filled: bool,
    /// Whether its rows have a history.
    pub(super) versioned: bool,
    /// Whether that history counts in time; otherwise it counts in transactions of this server.
    pub(super) by_time: bool,
}

impl Table {
    /// The columns that are copied, between backticks.
    pub(super) fn column_list(&self) -> String {
        quoting::identifiers(self.columns.iter().map(|column| column.name.as_str()))
    }

    /// What comes behind its name where all its rows are read.
    pub(super) fn whole(&self) -> &'static str {
        if self.versioned { " FOR SYSTEM_TIME ALL" } else { "" }
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Column {
    /// Its name.
    pub(super) name: String,
    /// Its type, without its size.
    pub(super) kind: String,
}

/// Reads a template; the session is connected to it.
pub(super) fn read(session: &mut dyn Session, template: &DatabaseName, vendor: &Vendor) -> Result<Blueprint> {
    let defaults = "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA";
    let rows = ask(session, &format!("{defaults} WHERE SCHEMA_NAME = '{template}'"))?;
    let Some([Some(charset), Some(collation)]) = rows.first().map(|row| &row[..]) else {
        return Err(DatabaseError::Missing(template.to_string()));
    };
    let listed = ask(
        session,
        &format!(
            "SELECT TABLE_NAME, TABLE_TYPE, COALESCE(ENGINE, '') FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA = '{template}' AND TABLE_NAME <> '{}' ORDER BY TABLE_NAME",
            marks::TABLE
        ),
    )?;
    let (mut tables, mut sequences) = (Vec::new(), Vec::new());
    let mut columns = columns(session, template)?;
    for row in &listed {
        let [Some(name), Some(kind), Some(engine)] = &row[..] else { continue };
        match kind.as_str() {
            "SEQUENCE" => sequences.push(sequence(session, name)?),
            "BASE TABLE" | "SYSTEM VERSIONED" => {
                let versioned = kind == "SYSTEM VERSIONED";
                tables.push(table(session, name, engine, columns.remove(name).unwrap_or_default(), versioned)?);
            }
            _ => {}
        }
    }
    probe(session, &mut tables)?;
    refuse_lost_history(&tables, vendor)?;
    let programs = programs::read(session, template)?;
    Ok(Blueprint {
        schema: template.to_string(),
        charset: charset.clone(),
        collation: collation.clone(),
        sequences,
        tables,
        programs,
    })
}

fn table(
    session: &mut dyn Session,
    name: &str,
    engine: &str,
    mut columns: Vec<Column>,
    versioned: bool,
) -> Result<Table> {
    if !ENGINES.iter().any(|known| known.eq_ignore_ascii_case(engine)) {
        return Err(DatabaseError::Unsupported(format!(
            "table {name} has engine {engine}, whose rows may be elsewhere"
        )));
    }
    if versioned && !columns.iter().any(|column| column.kind.ends_with(PERIOD)) {
        columns.extend(["row_start", "row_end"].map(|name| Column { name: name.into(), kind: "timestamp".into() }));
    }
    let mut by_time = true;
    for column in &mut columns {
        if let Some(plain) = column.kind.strip_suffix(PERIOD) {
            by_time &= plain == "timestamp";
            column.kind = plain.to_owned();
        }
    }
    let statement = created(session, "TABLE", name, 1)?;
    Ok(Table { name: name.to_owned(), statement, columns, filled: false, versioned, by_time })
}

/// Behind the type of a column that says from or until when a row was valid.
const PERIOD: &str = " period";

/// The columns of every table that can be written.
fn columns(session: &mut dyn Session, template: &DatabaseName) -> Result<HashMap<String, Vec<Column>>> {
    let rows = ask(
        session,
        &format!(
            "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, EXTRA, COALESCE(GENERATION_EXPRESSION, '') \
             FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '{template}' ORDER BY TABLE_NAME, ORDINAL_POSITION"
        ),
    )?;
    let mut columns: HashMap<String, Vec<Column>> = HashMap::new();
    for row in rows {
        let [Some(table), Some(name), Some(kind), Some(extra), Some(expression)] = &row[..] else { continue };
        let period = matches!(expression.as_str(), "ROW START" | "ROW END");
        let generated = extra.contains("VIRTUAL GENERATED") || extra.contains("STORED GENERATED");
        if period || !generated {
            let kind = kind.to_ascii_lowercase() + if period { PERIOD } else { "" };
            columns.entry(table.clone()).or_default().push(Column { name: name.clone(), kind });
        }
    }
    Ok(columns)
}

fn sequence(session: &mut dyn Session, name: &str) -> Result<Sequence> {
    let statement = created(session, "SEQUENCE", name, 1)?;
    let rows = ask(session, &format!("SELECT next_not_cached_value, cycle_count FROM {}", quoting::identifier(name)))?;
    let Some([Some(next), Some(round)]) = rows.first().map(|row| &row[..]) else {
        return Err(DatabaseError::Missing(name.to_owned()));
    };
    Ok(Sequence { name: name.to_owned(), statement, state: (next.clone(), round.clone()) })
}

/// Finds out which tables have rows. The server's own count of rows is an estimate and may be wrong.
fn probe(session: &mut dyn Session, tables: &mut [Table]) -> Result<()> {
    for part in tables.chunks_mut(PROBES) {
        let term =
            |table: &Table| format!("EXISTS(SELECT 1 FROM {}{})", quoting::identifier(&table.name), table.whole());
        let terms = part.iter().map(term).collect::<Vec<_>>().join(", ");
        let row = ask(session, &format!("SELECT {terms}"))?.into_iter().next().unwrap_or_default();
        for (table, cell) in part.iter_mut().zip(row) {
            table.filled = cell.as_deref() == Some("1");
        }
    }
    Ok(())
}

/// A history can be copied only where the server takes it, and only if it counts in time, not in transactions.
fn refuse_lost_history(tables: &[Table], vendor: &Vendor) -> Result<()> {
    let Some(table) =
        tables.iter().find(|table| table.versioned && table.filled && !(vendor.is_mariadb(HISTORY) && table.by_time))
    else {
        return Ok(());
    };
    let name = &table.name;
    Err(DatabaseError::Unsupported(format!("the history of the system-versioned table {name} cannot be copied here")))
}

/// The statement that makes an object, from the given column of the answer.
pub(super) fn created(session: &mut dyn Session, what: &str, name: &str, column: usize) -> Result<String> {
    let rows = ask(session, &format!("SHOW CREATE {what} {}", quoting::identifier(name)))?;
    rows.into_iter().next().and_then(|row| row.into_iter().nth(column)).flatten().ok_or_else(|| {
        DatabaseError::Permission {
            message: format!("the server does not show how {} {name} was made", what.to_lowercase()),
            grant: String::new(),
        }
    })
}
