//! Leases and locks: advisory locks of a connection of their own, which the server lets go of when we die.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::sql::{ask, is_true};
use crate::error::{DatabaseError, Result};
use crate::server::Held;
use crate::session::{Connector, Session};

/// How often to try again. Asking costs the server some 50 µs, and a build takes seconds.
const GLANCE: Duration = Duration::from_millis(50);

/// Takes a lock that several may hold.
const SHARED: &str = "pg_try_advisory_lock_shared";
/// What the lock that every lease holds besides its own is named after; no run has such an id.
const ANY: &str = "any run";

/// A lock, and the connection that holds it.
struct Lock {
    session: Box<dyn Session>,
    key: Key,
}

/// What is locked: 64 bits, which the server shows as two halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key(i64);

impl Key {
    /// The context keeps locks of ours apart from each other and from everybody else's small numbers.
    fn new(purpose: &str, key: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("pytest-concurrent 2026 advisory lock of PostgreSQL");
        hasher.update(purpose.as_bytes()).update(b"\0").update(key.as_bytes());
        let mut number = [0; 8];
        hasher.finalize_xof().fill(&mut number);
        Self(i64::from_le_bytes(number))
    }

    /// The condition on `pg_locks` for this key, in whatever database.
    fn condition(self) -> String {
        let (high, low) = (self.0.cast_unsigned() >> 32, self.0.cast_unsigned() & u64::from(u32::MAX));
        format!("locktype = 'advisory' AND objsubid = 1 AND classid = '{high}' AND objid = '{low}' AND granted")
    }
}

impl Held for Lock {
    fn is_held(&mut self) -> bool {
        let condition = self.key.condition();
        let statement = format!("SELECT count(*) > 0 FROM pg_locks WHERE {condition} AND pid = pg_backend_pid()");
        self.session.query(&statement).is_ok_and(|rows| rows.first().is_some_and(|row| is_true(row, 0)))
    }
}

pub(super) fn lock(connector: &dyn Connector, key: &str, wait: Duration) -> Result<Option<Box<dyn Held>>> {
    let held = take(connector, Key::new("lock", key), "pg_try_advisory_lock", wait)?;
    Ok(held.map(|lock| Box::new(lock) as Box<dyn Held>))
}

pub(super) fn lease(connector: &dyn Connector, run: &str) -> Result<Box<dyn Held>> {
    let held = take(connector, Key::new("lease", run), SHARED, Duration::ZERO)?;
    let busy = || DatabaseError::Busy(format!("the lease of run {run}"), "somebody else locked it".to_owned());
    let mut lease = held.ok_or_else(busy)?;
    // By the second lock, which all runs share, others find out that there is a run without knowing its id.
    ask(&mut *lease.session, &format!("SELECT {SHARED}({})", Key::new("lease", ANY).0), "a lease")?;
    Ok(Box::new(lease))
}

/// Whether a connection holds a lease that is not of `own`.
pub(super) fn has_others(session: &mut dyn Session, own: &str) -> Result<bool> {
    let (any, own) = (Key::new("lease", ANY).condition(), Key::new("lease", own).condition());
    let statement =
        format!("SELECT count(*) > 0 FROM pg_locks WHERE {any} AND pid NOT IN (SELECT pid FROM pg_locks WHERE {own})");
    Ok(ask(session, &statement, "the leases")?.first().is_some_and(|row| is_true(row, 0)))
}

fn take(connector: &dyn Connector, key: Key, function: &str, wait: Duration) -> Result<Option<Lock>> {
    let mut session = connector.connect(None)?;
    let deadline = Instant::now() + wait;
    let statement = format!("SELECT {function}({})", key.0);
    while !ask(&mut *session, &statement, "a lock")?.first().is_some_and(|row| is_true(row, 0)) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        sleep(left.min(GLANCE));
    }
    let mut lock = Lock { session, key };
    if lock.is_held() {
        return Ok(Some(lock));
    }
    // A pooler that gives every statement another connection keeps no lock for us.
    let why = "locks do not stay with a connection there; a pooler between us and the server must work per session";
    Err(DatabaseError::Unsupported(why.to_owned()))
}

/// Whether a connection to whichever database of the server holds the run's lease.
pub(super) fn is_leased(session: &mut dyn Session, run: &str) -> Result<bool> {
    let statement = format!("SELECT count(*) > 0 FROM pg_locks WHERE {}", Key::new("lease", run).condition());
    Ok(ask(session, &statement, "a lease")?.first().is_some_and(|row| is_true(row, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_and_a_lease_of_one_name_differ() {
        assert_ne!(Key::new("lock", "a"), Key::new("lease", "a"));
        assert_ne!(Key::new("lock", "a"), Key::new("lock", "b"));
    }

    #[test]
    fn a_key_is_found_by_its_halves() {
        let condition = Key(-2).condition();
        assert!(condition.contains("classid = '4294967295' AND objid = '4294967294'"), "{condition}");
    }
}
