//! What a database holds besides tables: routines, triggers, views and events.

use engine::guard::DatabaseName;
use serde::{Deserialize, Serialize};

use crate::error::{DatabaseError, Result};
use crate::session::Session;

use super::blueprint::Blueprint;
use super::failure::{ask, explain};
use super::settings::{CHARSET, SQL_MODE};
use super::tokens::{self, Reading};
use super::{ending, quoting};

/// An event whose only time is over is not made again, so there is nothing to enable.
const NO_EVENT: &str = "1539";

/// What a program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Procedure, function or package.
    Routine,
    /// Trigger.
    Trigger,
    /// View; it may need other views.
    View,
    /// Event.
    Event,
}

/// A program, and what the session looked like in which it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Program {
    /// What it is.
    pub(super) kind: Kind,
    /// Its name.
    pub(super) name: String,
    /// The table of a trigger.
    pub(super) table: Option<String>,
    /// `CREATE …`.
    pub(super) statement: String,
    /// `sql_mode`.
    pub(super) sql_mode: String,
    /// `character_set_client`.
    pub(super) charset: String,
    /// `collation_connection`.
    pub(super) collation: String,
    /// `time_zone`, for an event.
    pub(super) time_zone: Option<String>,
    /// What is to be run after it.
    pub(super) then: Option<String>,
}

/// Where in the answer of a `SHOW CREATE` the mode, the statement and the character set are; the collation is behind it.
struct Columns {
    sql_mode: Option<usize>,
    statement: usize,
    charset: usize,
}

const VIEW: Columns = Columns { sql_mode: None, statement: 1, charset: 2 };
const ROUTINE: Columns = Columns { sql_mode: Some(1), statement: 2, charset: 3 };
const EVENT: Columns = Columns { sql_mode: Some(1), statement: 3, charset: 4 };

/// Reads all of them; the session is connected to the database.
pub(super) fn read(session: &mut dyn Session, database: &DatabaseName) -> Result<Vec<Program>> {
    let mut programs = Vec::new();
    for row in list(session, "ROUTINES", "ROUTINE_NAME, ROUTINE_TYPE", "ROUTINE_SCHEMA", database, "2, 1")? {
        programs.push(show(session, Kind::Routine, &row[1], &row[0], &ROUTINE)?);
    }
    // Triggers of one table, time and event fire in the order in which they were made.
    let order = "2, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER";
    for row in list(session, "TRIGGERS", "TRIGGER_NAME, EVENT_OBJECT_TABLE", "TRIGGER_SCHEMA", database, order)? {
        let program = show(session, Kind::Trigger, "TRIGGER", &row[0], &ROUTINE)?;
        programs.push(Program { table: Some(row[1].clone()), ..program });
    }
    for row in list(session, "VIEWS", "TABLE_NAME", "TABLE_SCHEMA", database, "1")? {
        programs.push(show(session, Kind::View, "VIEW", &row[0], &VIEW)?);
    }
    for row in list(session, "EVENTS", "EVENT_NAME, TIME_ZONE, STATUS, DEFINER", "EVENT_SCHEMA", database, "1")? {
        let program = show(session, Kind::Event, "EVENT", &row[0], &EVENT)?;
        let then = asleep(&row[2]).then(|| alter_event(&row[0], &row[3], "ENABLE"));
        programs.push(Program { time_zone: Some(row[1].clone()), then, ..program });
    }
    Ok(programs)
}

fn list(
    session: &mut dyn Session,
    view: &str,
    columns: &str,
    schema: &str,
    database: &DatabaseName,
    order: &str,
) -> Result<Vec<Vec<String>>> {
    let statement =
        format!("SELECT {columns} FROM information_schema.{view} WHERE {schema} = '{database}' ORDER BY {order}");
    Ok(ask(session, &statement)?
        .into_iter()
        .map(|row| row.into_iter().map(Option::unwrap_or_default).collect())
        .collect())
}

fn show(session: &mut dyn Session, kind: Kind, what: &str, name: &str, columns: &Columns) -> Result<Program> {
    let rows = ask(session, &format!("SHOW CREATE {what} {}", quoting::identifier(name)))?;
    let row = rows.into_iter().next().unwrap_or_default();
    let cell = |index: usize| row.get(index).cloned().flatten();
    let hidden = || DatabaseError::Permission {
        message: format!("the server does not show how {} {name} was made", what.to_lowercase()),
        grant: String::new(),
    };
    Ok(Program {
        kind,
        name: name.to_owned(),
        table: None,
        statement: cell(columns.statement).ok_or_else(hidden)?,
        sql_mode: columns.sql_mode.and_then(cell).unwrap_or_else(|| SQL_MODE.to_owned()),
        charset: cell(columns.charset).unwrap_or_else(|| CHARSET.to_owned()),
        collation: cell(columns.charset + 1).unwrap_or_default(),
        time_zone: None,
        then: None,
    })
}

/// Puts the enabled events of a build to sleep, in the one way that their own authors hardly use, so that a copy knows
/// which ones to wake.
pub(super) fn put_events_to_sleep(session: &mut dyn Session, database: &DatabaseName) -> Result<()> {
    if !ending::exists(session, database)? {
        return Err(DatabaseError::Missing(database.to_string()));
    }
    for row in list(session, "EVENTS", "EVENT_NAME, STATUS, DEFINER", "EVENT_SCHEMA", database, "1")? {
        if row[1] == "ENABLED" {
            ask(session, &alter_event(&row[0], &row[2], "DISABLE ON SLAVE"))?;
        }
    }
    Ok(())
}

fn asleep(status: &str) -> bool {
    matches!(status, "SLAVESIDE_DISABLED" | "REPLICA_SIDE_DISABLED")
}

/// `ALTER EVENT` would make us the definer if it did not say who is.
fn alter_event(name: &str, definer: &str, action: &str) -> String {
    let (user, host) = definer.rsplit_once('@').unwrap_or((definer, "%"));
    let (user, host) = (quoting::identifier(user), quoting::identifier(host));
    format!("ALTER DEFINER = {user}@{host} EVENT {} {action}", quoting::identifier(name))
}

/// Makes all programs of a blueprint in the database that the session is connected to.
pub(super) fn make(session: &mut dyn Session, blueprint: &Blueprint, database: &DatabaseName) -> Result<()> {
    let (views, others): (Vec<_>, Vec<_>) = blueprint.programs.iter().partition(|one| one.kind == Kind::View);
    let (events, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|one| one.kind == Kind::Event);
    for program in others {
        make_one(session, program, &blueprint.schema, database)?;
    }
    make_views(session, views, &blueprint.schema, database)?;
    for program in events {
        make_one(session, program, &blueprint.schema, database)?;
    }
    Ok(())
}

/// Views that others need come first: in every round those are made that can be, until a round makes none.
fn make_views(session: &mut dyn Session, mut left: Vec<&Program>, schema: &str, database: &DatabaseName) -> Result<()> {
    while !left.is_empty() {
        let (before, mut last) = (left.len(), Ok(()));
        left.retain(|program| {
            let answer = make_one(session, program, schema, database);
            let failed = answer.is_err();
            if failed {
                last = answer;
            }
            failed
        });
        if left.len() == before {
            return last;
        }
    }
    Ok(())
}

fn make_one(session: &mut dyn Session, program: &Program, schema: &str, database: &DatabaseName) -> Result<()> {
    refuse_unspeakable(program)?;
    ask(session, &surroundings(program))?;
    let reading = Reading::of(&program.sql_mode);
    ask(session, &tokens::rename_schema(&program.statement, schema, database, reading))?;
    if let Some(then) = &program.then {
        match session.query(then) {
            Err(error) if error.code == NO_EVENT => {}
            answer => return answer.map(drop).map_err(explain),
        }
    }
    Ok(())
}

/// The settings that the server keeps with a program.
fn surroundings(program: &Program) -> String {
    let mut settings = format!(
        "SET sql_mode = {}, character_set_client = {}, time_zone = {}",
        quoting::text(&program.sql_mode),
        quoting::text(&program.charset),
        quoting::text(program.time_zone.as_deref().unwrap_or("+00:00"))
    );
    if !program.collation.is_empty() {
        settings.push_str(", collation_connection = ");
        settings.push_str(&quoting::text(&program.collation));
    }
    settings
}

/// A program that was written in a character set other than ours would be kept as other characters.
fn refuse_unspeakable(program: &Program) -> Result<()> {
    if program.statement.is_ascii() || program.charset.starts_with("utf8") {
        return Ok(());
    }
    let (name, charset) = (&program.name, &program.charset);
    Err(DatabaseError::Unsupported(format!(
        "{name} was written in {charset} and cannot be copied over this connection"
    )))
}
