//! Locks and leases: `GET_LOCK` on a connection that is used for nothing else.

use std::time::{Duration, Instant};

use crate::error::Result;
use crate::server::Held;
use crate::session::Session;

use super::failure::ask_one;
use super::quoting;

/// How long one statement waits for a lock: far below every driver's limit of time for an answer.
const SLICE: Duration = Duration::from_secs(2);
/// How much of a key's hash is in the name of its lock; the server takes 64 characters in all.
const KEY_DIGITS: usize = 40;

/// The name of the lock on a template's key.
pub(super) fn lock_name(key: &str) -> String {
    let digest = blake3::hash(key.as_bytes()).to_hex();
    format!("pytest_concurrent/{}", &digest[..KEY_DIGITS])
}

/// The name of a run's lease.
pub(super) fn lease_name(run: &str) -> String {
    let digest = blake3::hash(run.as_bytes()).to_hex();
    let plain = run.len() <= KEY_DIGITS && run.bytes().all(|byte| byte.is_ascii_alphanumeric());
    format!("pytest_concurrent:{}", if plain { run } else { &digest[..KEY_DIGITS] })
}

/// Waits for the lock for at most `wait`; `None` = somebody else holds it.
pub(super) fn take(mut session: Box<dyn Session>, name: String, wait: Duration) -> Result<Option<Lock>> {
    let until = Instant::now() + wait;
    loop {
        let slice = until.saturating_duration_since(Instant::now()).min(SLICE);
        let statement = format!("SELECT GET_LOCK({}, {:.3})", quoting::text(&name), slice.as_secs_f64());
        if ask_one(&mut *session, &statement)?.as_deref() == Some("1") {
            return Ok(Some(Lock { session, name }));
        }
        if Instant::now() >= until {
            return Ok(None);
        }
    }
}

/// Whether anybody holds the lock.
pub(super) fn is_taken(session: &mut dyn Session, name: &str) -> Result<bool> {
    Ok(ask_one(session, &format!("SELECT IS_USED_LOCK({})", quoting::text(name)))?.is_some())
}

/// A lock and the connection that holds it.
pub(super) struct Lock {
    session: Box<dyn Session>,
    name: String,
}

impl Held for Lock {
    fn is_held(&mut self) -> bool {
        let statement = format!("SELECT IS_USED_LOCK({}) = CONNECTION_ID()", quoting::text(&self.name));
        ask_one(&mut *self.session, &statement).is_ok_and(|answer| answer.as_deref() == Some("1"))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A borrowed connection may live on; ours takes the lock with it. Either way nobody is left to tell of an error.
        let _ = self.session.query(&format!("DO RELEASE_LOCK({})", quoting::text(&self.name)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_fits_the_server() {
        let long = "k".repeat(200);
        for name in [lock_name(&long), lease_name(&long), lock_name("a"), lease_name("0123456789abcdef")] {
            assert!(name.len() <= 64, "{name}");
        }
        assert_eq!(lease_name("0123456789abcdef"), "pytest_concurrent:0123456789abcdef");
    }
}
