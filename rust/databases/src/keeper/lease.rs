//! The lease that says on one server that the run is alive: taken, seen, lost, and taken again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{DatabaseError, Result};
use crate::server::{Held, Server};

/// How long a lease that was seen is believed to be held: looking again costs a round trip.
const BELIEVED: Duration = Duration::from_secs(1);

/// What is said where a lease was lost for good.
pub(super) const LOST: &str = "the connection that says that this run is alive was lost and could not be opened \
                               again, so no database is made there any more";

/// The lease on one server.
pub(super) struct Lease(Mutex<Stage>);

enum Stage {
    /// Nothing was made there yet.
    Untaken,
    /// When it was last seen; `None` = that is in doubt.
    Held(Box<dyn Held>, Option<Instant>),
    /// It was held and is not any more since then: others may think that the run is dead.
    Lost(Instant),
    /// The server did not come back in time.
    GivenUp,
}

/// What a look at the lease came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nobody can have taken the run for dead.
    Unbroken,
    /// For a while it was not held: what the run has there may be gone.
    Retaken,
}

impl Lease {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Stage::Untaken))
    }

    /// Makes sure that others see that the run is alive.
    ///
    /// # Errors
    /// It could not be taken; if it was lost longer ago than `patience`, [`DatabaseError::Unsupported`] from now on.
    pub(super) fn ensure(&self, server: &dyn Server, run: &str, patience: Duration) -> Result<Seen> {
        let mut stage = self.stage();
        if let Stage::Held(held, seen) = &mut *stage {
            if seen.is_some_and(|seen| seen.elapsed() < BELIEVED) {
                return Ok(Seen::Unbroken);
            }
            if held.is_held() {
                *seen = Some(Instant::now());
                return Ok(Seen::Unbroken);
            }
            *stage = Stage::Lost(Instant::now());
        }
        let seen = if matches!(*stage, Stage::Untaken) { Seen::Unbroken } else { Seen::Retaken };
        if matches!(*stage, Stage::GivenUp) {
            return Err(DatabaseError::Unsupported(LOST.to_owned()));
        }
        match (server.lease(run), &*stage) {
            (Ok(held), _) => {
                *stage = Stage::Held(held, Some(Instant::now()));
                Ok(seen)
            }
            (Err(_), Stage::Lost(since)) if since.elapsed() >= patience => {
                *stage = Stage::GivenUp;
                Err(DatabaseError::Unsupported(LOST.to_owned()))
            }
            // The server may not have noticed yet that our own connection, which held it, is gone.
            (Err(DatabaseError::Busy(place, reason)), Stage::Lost(_)) => {
                Err(DatabaseError::Unreachable { place, reason })
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Something failed that may be the server's end: the next look is a real one.
    pub(super) fn doubt(&self) {
        if let Stage::Held(_, seen) = &mut *self.stage() {
            *seen = None;
        }
    }

    /// Whether it is certain that nobody takes us for dead.
    pub(super) fn is_held(&self) -> bool {
        match &mut *self.stage() {
            Stage::Held(held, _) => held.is_held(),
            _ => false,
        }
    }

    /// Whether anything can have been made there.
    pub(super) fn was_taken(&self) -> bool {
        !matches!(*self.stage(), Stage::Untaken)
    }

    /// Lets go of it: everything is dropped.
    pub(super) fn let_go(&self) {
        *self.stage() = Stage::Untaken;
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
