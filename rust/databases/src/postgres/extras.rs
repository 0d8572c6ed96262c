//! What CREATE DATABASE does not copy: rights on the database itself, and settings of the database.

use engine::guard::DatabaseName;

use super::sql::{ask, cell, identifier, literal, tell};
use crate::error::{DatabaseError, Result};
use crate::session::Session;

/// Settings whose value is a list of names, which the server would otherwise take for one name.
const LISTS: [&str; 4] = ["search_path", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries"];

/// What a clone lacks when it is made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Extras {
    /// The clone's oid.
    pub(super) oid: String,
    statements: Vec<String>,
}

impl Extras {
    /// Reads what the template has.
    pub(super) fn read(session: &mut dyn Session, template: &DatabaseName, clone: &DatabaseName) -> Result<Self> {
        let statement = format!(
            "WITH t AS (SELECT oid, datdba, datacl FROM pg_database WHERE datname = {}) \
             SELECT 'oid', oid::text, NULL, NULL FROM pg_database WHERE datname = {} \
             UNION ALL SELECT 'rights', NULL, NULL, NULL FROM t WHERE datacl IS NOT NULL \
             UNION ALL SELECT 'grant', CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee)::text END, \
             a.privilege_type, CASE WHEN a.is_grantable THEN 'again' END \
             FROM t, aclexplode(t.datacl) AS a WHERE a.grantee <> t.datdba \
             UNION ALL SELECT 'set', CASE WHEN s.setrole <> 0 THEN pg_get_userbyid(s.setrole)::text END, c, NULL \
             FROM t, pg_db_role_setting AS s, unnest(s.setconfig) AS c WHERE s.setdatabase = t.oid",
            literal(template.as_str()),
            literal(clone.as_str())
        );
        let mut extras = Self::default();
        for row in ask(session, &statement, clone.as_str())? {
            match cell(&row, 0) {
                "oid" => cell(&row, 1).clone_into(&mut extras.oid),
                _ => extras.statements.extend(statement_of(&row, &identifier(clone.as_str()))),
            }
        }
        if extras.oid.is_empty() { Err(DatabaseError::Missing(clone.to_string())) } else { Ok(extras) }
    }

    /// Gives it to the clone.
    pub(super) fn replay(&self, session: &mut dyn Session, clone: &DatabaseName) -> Result<()> {
        self.statements.iter().try_for_each(|statement| tell(session, statement, clone.as_str()))
    }
}

fn statement_of(row: &[Option<String>], database: &str) -> Option<String> {
    let role = row.get(1)?.as_deref().map(identifier);
    match cell(row, 0) {
        "rights" => Some(format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC")),
        "grant" => {
            let right = cell(row, 2);
            let again = if cell(row, 3).is_empty() { "" } else { " WITH GRANT OPTION" };
            let role = role.unwrap_or_else(|| "PUBLIC".to_owned());
            right
                .bytes()
                .all(|byte| byte.is_ascii_uppercase())
                .then(|| format!("GRANT {right} ON DATABASE {database} TO {role}{again}"))
        }
        "set" => {
            let (name, value) = cell(row, 2).split_once('=')?;
            let subject = match role {
                Some(role) => format!("ROLE {role} IN DATABASE {database}"),
                None => format!("DATABASE {database}"),
            };
            Some(format!("ALTER {subject} SET {} TO {}", setting(name), value_of(name, value)))
        }
        _ => None,
    }
}

/// The name of a setting; a dot separates an extension's name from it.
fn setting(name: &str) -> String {
    name.split('.').map(identifier).collect::<Vec<_>>().join(".")
}

fn value_of(name: &str, value: &str) -> String {
    if !LISTS.contains(&name) {
        return literal(value);
    }
    let names: Vec<_> = split_names(value).iter().map(|name| literal(name)).collect();
    if names.is_empty() { literal("") } else { names.join(", ") }
}

/// The names in a list as the server keeps it: `"$user", public`.
fn split_names(list: &str) -> Vec<String> {
    let (mut names, mut name, mut quoted, mut seen) = (Vec::new(), String::new(), false, false);
    let mut characters = list.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => name.push('"'),
            '"' => (quoted, seen) = (!quoted, true),
            ',' if !quoted => {
                names.push(std::mem::take(&mut name));
                seen = false;
            }
            ' ' if !quoted => {}
            other => name.push(other),
        }
    }
    if seen || !name.is_empty() {
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(cells: [Option<&str>; 4]) -> Vec<Option<String>> {
        cells.map(|cell| cell.map(str::to_owned)).to_vec()
    }

    #[test]
    fn rights_and_settings_become_statements() {
        for (cells, statement) in [
            ([Some("rights"), None, None, None], "REVOKE ALL ON DATABASE \"c\" FROM PUBLIC"),
            ([Some("grant"), None, Some("CONNECT"), None], "GRANT CONNECT ON DATABASE \"c\" TO PUBLIC"),
            (
                [Some("grant"), Some("a b"), Some("CREATE"), Some("again")],
                "GRANT CREATE ON DATABASE \"c\" TO \"a b\" WITH GRANT OPTION",
            ),
            (
                [Some("set"), None, Some("search_path=\"$user\", a, \"b, c\""), None],
                "ALTER DATABASE \"c\" SET \"search_path\" TO '$user', 'a', 'b, c'",
            ),
            (
                [Some("set"), Some("r"), Some("app.x=it's, so"), None],
                "ALTER ROLE \"r\" IN DATABASE \"c\" SET \"app\".\"x\" TO 'it''s, so'",
            ),
        ] {
            assert_eq!(statement_of(&row(cells), "\"c\"").as_deref(), Some(statement));
        }
    }

    proptest! {
        #[test]
        fn a_list_is_split_where_it_was_joined(names in prop::collection::vec(r#"[a-z "',$]{0,9}"#, 0..5)) {
            let list: Vec<_> = names.iter().map(|name| identifier(name)).collect();
            prop_assert_eq!(split_names(&list.join(", ")), names);
        }
    }
}
