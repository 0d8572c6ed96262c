//! What a server says about itself and about us.

use crate::error::{DatabaseError, Result, SqlError};
use crate::server::{Capacity, Facts};
use crate::session::Session;

use super::failure::ask;
use super::quoting;

/// Answers one text that proves that two connections reached the same server; any driver can run it.
///
/// Two servers on one machine differ in their port, folder or file of the process id, two containers with the same
/// settings in the host's name. What MySQL adds is its `server_uuid`; MariaDB has only a hash of port and network card,
/// so the second in which the server started is added instead: both terms are read from the statement's own clock, so
/// the difference is always the same. MariaDB reads what is between `/*M!` and `*/`, MySQL what is between `/*!` and
/// `*/`.
pub const IDENTITY: &str = "SELECT CONCAT_WS('|', @@hostname, @@port, @@datadir, @@pid_file \
    /*M! , (SELECT CAST(UNIX_TIMESTAMP() - VARIABLE_VALUE AS CHAR) FROM information_schema.GLOBAL_STATUS \
    WHERE VARIABLE_NAME = 'UPTIME') */ /*!80000 , @@server_uuid */)";

/// How the names of ours begin.
const PREFIX: &str = "test_";

/// Which of the two vendors, and from which version on it can do what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Vendor {
    /// `mysql` or `mariadb`.
    pub(super) name: &'static str,
    /// The whole version.
    pub(super) version: String,
    /// Its first two numbers.
    pub(super) release: (u32, u32),
}

impl Vendor {
    /// From what `VERSION()` says.
    pub(super) fn parse(version: &str) -> Self {
        let name = if version.to_ascii_lowercase().contains("mariadb") { "mariadb" } else { "mysql" };
        let mut numbers = version.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
        let release = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        Self { name, version: version.to_owned(), release }
    }

    /// Whether it is MariaDB of at least this release.
    pub(super) fn is_mariadb(&self, release: (u32, u32)) -> bool {
        self.name == "mariadb" && self.release >= release
    }
}

/// Reads everything.
pub(super) fn read(session: &mut dyn Session, vendor: &Vendor) -> Result<Facts> {
    let rows = ask(session, "SELECT CURRENT_USER(), @@max_connections, @@max_user_connections")?;
    let row = rows.into_iter().next().unwrap_or_default();
    let cell = |index: usize| row.get(index).cloned().flatten().unwrap_or_default();
    let number = |index: usize| cell(index).parse::<u32>().unwrap_or(0);
    let limit = if number(2) > 0 { number(1).min(number(2)) } else { number(1) };
    let used = ask(session, "SHOW GLOBAL STATUS LIKE 'Threads_connected'")?;
    let used = used.first().and_then(|row| row.get(1)?.as_ref()?.parse().ok()).unwrap_or(0);
    let grants = ask(session, "SHOW GRANTS")?;
    let may_create = may_create(grants.iter().filter_map(|row| row.first()?.as_deref()));
    Ok(Facts {
        vendor: vendor.name,
        version: vendor.version.clone(),
        identity: identity(session)?,
        may_create,
        grant: if may_create { String::new() } else { grant_for(&cell(0)) },
        // Both vendors keep one connection for administrators beyond their limit, not within it.
        capacity: Capacity { limit, reserved: 0, used },
    })
}

fn identity(session: &mut dyn Session) -> Result<String> {
    super::failure::ask_one(session, IDENTITY)?.ok_or_else(|| {
        let message = "the server does not say who it is".to_owned();
        DatabaseError::Sql(SqlError { code: String::new(), message, lost: false })
    })
}

/// What an administrator can run so that this user may do all that is needed.
pub(super) fn grant_for(current_user: &str) -> String {
    let (user, host) = current_user.rsplit_once('@').unwrap_or((current_user, "%"));
    format!("GRANT ALL PRIVILEGES ON `test\\_%`.* TO {}@{};", quoting::text(user), quoting::text(host))
}

/// Whether one of the answers of `SHOW GRANTS` lets us make a database with a name of ours. A role counts: what it may
/// is shown only while it is active, so an attempt must tell.
fn may_create<'a>(grants: impl Iterator<Item = &'a str>) -> bool {
    grants.into_iter().any(|line| {
        let Some(line) = line.strip_prefix("GRANT ") else { return false };
        let Some((privileges, rest)) = line.split_once(" ON ") else { return true };
        let makes = privileges.split(',').any(|one| matches!(one.trim(), "ALL PRIVILEGES" | "ALL" | "CREATE"));
        makes && rest.split_once(" TO ").is_some_and(|(target, _)| covers_ours(target))
    })
}

/// Whether the target of a grant, `*.*` or a pattern such as `` `test\_%`.* ``, can match a name of ours.
fn covers_ours(target: &str) -> bool {
    if target == "*.*" {
        return true;
    }
    let Some(pattern) = target.strip_suffix(".*") else { return false };
    let mut ours = PREFIX.chars();
    let mut pattern = pattern.trim_matches('`').chars();
    while let Some(character) = pattern.next() {
        let expected = match character {
            '%' => return true,
            '_' => {
                ours.next();
                continue;
            }
            '\\' => pattern.next().unwrap_or('\\'),
            other => other,
        };
        if ours.next().is_some_and(|next| next != expected) {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendor_is_in_the_version() {
        assert_eq!(Vendor::parse("8.4.3").name, "mysql");
        assert!(Vendor::parse("10.11.6-MariaDB-log").is_mariadb((10, 5)));
        assert!(Vendor::parse("5.5.5-10.4.34-MariaDB").name == "mariadb");
        assert!(!Vendor::parse("8.4.3").is_mariadb((5, 5)));
    }

    #[test]
    fn only_a_grant_that_covers_our_names_allows_to_create() {
        let allowed = |line: &str| may_create(std::iter::once(line));
        assert!(allowed("GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"));
        assert!(allowed("GRANT SELECT, CREATE, DROP ON *.* TO `u`@`%`"));
        assert!(allowed("GRANT ALL PRIVILEGES ON `test\\_%`.* TO `u`@`%`"));
        assert!(allowed("GRANT ALL PRIVILEGES ON `test_shop%`.* TO `u`@`%`"));
        assert!(allowed("GRANT `developers` TO `u`@`%`"));
        assert!(!allowed("GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*0'"));
        assert!(!allowed("GRANT ALL PRIVILEGES ON `shop`.* TO `u`@`%`"));
        assert!(!allowed("GRANT ALL PRIVILEGES ON `test_shop`.* TO `u`@`%`"));
        assert!(!allowed("GRANT CREATE VIEW, CREATE ROUTINE ON *.* TO `u`@`%`"));
        assert!(!allowed("GRANT PROXY ON ``@`%` TO `root`@`localhost` WITH GRANT OPTION"));
    }

    #[test]
    fn the_advice_names_exactly_this_user() {
        assert_eq!(grant_for("o'neil@10.0.%"), "GRANT ALL PRIVILEGES ON `test\\_%`.* TO 'o''neil'@'10.0.%';");
    }
}
