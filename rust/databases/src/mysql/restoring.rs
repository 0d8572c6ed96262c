//! Giving a clone the rows of its template again.

use engine::guard::DatabaseName;

use crate::error::{DatabaseError, Result};
use crate::server::Restored;
use crate::session::Session;

use super::blueprint::{self, Blueprint, Table};
use super::facts::Vendor;
use super::failure::ask;
use super::programs::Kind;
use super::tokens::{self, Reading};
use super::{copying, quoting};

/// Empties and fills what differs; the session is connected to the clone.
///
/// What it cannot do in place, it leaves untouched: tables or programs that are no longer those of the template, rows
/// that triggers would see go and come, histories, sequences that went on.
pub(super) fn restore(
    session: &mut dyn Session,
    template: &Blueprint,
    clone: &DatabaseName,
    vendor: &Vendor,
) -> Result<Restored> {
    let now = match blueprint::read(session, clone, vendor) {
        Ok(now) => now,
        Err(DatabaseError::Unsupported(_)) => return Ok(Restored::UseAnother),
        Err(error) => return Err(error),
    };
    if !same_structure(template, &now, clone) {
        return Ok(Restored::UseAnother);
    }
    let both = || template.tables.iter().zip(&now.tables);
    let touched = both().filter(|(then, now)| then.filled || now.filled).map(|(then, _)| then).collect::<Vec<_>>();
    if touched.iter().any(|table| table.versioned || has_trigger(template, table)) {
        return Ok(Restored::UseAnother);
    }
    match refill(session, template, &touched) {
        Err(DatabaseError::Busy(..)) => return Ok(Restored::UseAnother),
        answer => answer?,
    }
    for (then, now) in both() {
        let (wanted, found) = (counter(&then.statement), counter(&now.statement));
        if wanted != found {
            let name = quoting::identifier(&then.name);
            match ask(session, &format!("ALTER TABLE {name} AUTO_INCREMENT = {}", wanted.unwrap_or(1))) {
                Err(DatabaseError::Busy(..)) => return Ok(Restored::UseAnother),
                answer => answer?,
            };
        }
    }
    Ok(Restored::InPlace)
}

/// All rows go and come in one transaction, so that it is synchronised to disk once.
fn refill(session: &mut dyn Session, template: &Blueprint, touched: &[&Table]) -> Result<()> {
    ask(session, "START TRANSACTION")?;
    let delete = touched.iter().map(|table| format!("DELETE FROM {}", quoting::identifier(&table.name)));
    let insert = copying::fill_statements(touched.iter().copied(), &template.schema);
    let answer = delete.chain(insert).try_for_each(|statement| ask(session, &statement).map(drop));
    ask(session, if answer.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    answer
}

fn has_trigger(template: &Blueprint, table: &Table) -> bool {
    let of_table = |name: Option<&String>| name.is_some_and(|name| name == &table.name);
    template.programs.iter().any(|one| one.kind == Kind::Trigger && of_table(one.table.as_ref()))
}

/// Whether the clone is still made of what the template is made of.
fn same_structure(template: &Blueprint, now: &Blueprint, clone: &DatabaseName) -> bool {
    let rename = |statement: &str, sql_mode: &str| {
        tokens::rename_schema(statement, &template.schema, clone, Reading::of(sql_mode))
    };
    let same_table = |(then, now): (&Table, &Table)| {
        let wanted = tokens::without_counter(&rename(&then.statement, ""));
        then.name == now.name && wanted == tokens::without_counter(&now.statement)
    };
    template.charset == now.charset
        && template.collation == now.collation
        && template.sequences == now.sequences
        && template.tables.len() == now.tables.len()
        && template.tables.iter().zip(&now.tables).all(same_table)
        && template.programs.len() == now.programs.len()
        && template.programs.iter().zip(&now.programs).all(|(then, now)| {
            // An event of the template sleeps, that of the clone does not; its text differs in nothing else.
            let event = then.kind == Kind::Event;
            then.name == now.name && (event || rename(&then.statement, &then.sql_mode) == now.statement)
        })
}

/// The next value of a table's `AUTO_INCREMENT`, if it is not the first.
fn counter(statement: &str) -> Option<u64> {
    let (_, rest) = statement.split_at(tokens::counter_at(statement)?);
    rest.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}
