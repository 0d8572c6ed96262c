//! A server that is restarted during the run: waited for, taken again, and what it lost is forgotten.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use engine::guard::DatabaseName;

use super::Keeper;
use super::lease::{LOST, Seen};
use super::servers::Kept;
use super::state::{Service, State};
use crate::error::{DatabaseError, Result};

/// How long a server may be away: a restart takes some seconds, and recovery after a crash some more.
pub(super) const RESTART: Duration = Duration::from_secs(30);

/// How often the leases are looked at while nothing is made. While a lease is lost another run may take this one for
/// dead, so it is noticed long before a run elsewhere comes to its end; one round trip in two seconds costs nothing.
const ROUND: Duration = Duration::from_secs(2);

/// While a server is away no pause is longer, so that work goes on soon after it is back.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl Keeper {
    /// Does something again as long as another attempt may succeed by itself.
    pub(super) fn patiently<T>(&self, act: impl Fn() -> Result<T>) -> Result<T> {
        let (began, place) = (Instant::now(), self.patient.fetch_add(1, Ordering::Relaxed));
        let mut attempts = 0;
        loop {
            let (error, cause) = match act() {
                Err(error) => match transience(&error) {
                    Some(cause) if !self.lock().finishing => (error, cause),
                    _ => return Err(error),
                },
                done => return done,
            };
            attempts += 1;
            let Some(pause) = self.pause(place, attempts, began.elapsed()) else {
                let last = Box::new(error);
                return Err(if attempts > 1 { DatabaseError::Exhausted { attempts, last } } else { *last });
            };
            self.change(|state| state.retry(cause));
            self.wait(Instant::now() + pause, |state| state.finishing.then_some(()));
        }
    }

    /// What comes before the next attempt. However few attempts are allowed, if any, a server that is restarted is
    /// waited for.
    fn pause(&self, place: u64, failures: u32, waited: Duration) -> Option<Duration> {
        let most = self.retries.most;
        let away = || self.retries.pause(place, failures.min(most)).map(|pause| pause.min(LONGEST_PAUSE));
        let allowed = self.retries.pause(place, failures);
        allowed.or_else(|| away().filter(|_| most > 0 && waited < self.restart))
    }

    /// Makes sure that others see that the run is alive, before anything is made.
    pub(super) fn lease(&self, kept: &Kept) -> Result<()> {
        match kept.lease.ensure(&*kept.server, &self.run, self.restart) {
            Ok(Seen::Unbroken) => Ok(()),
            Ok(Seen::Retaken) => {
                self.go_on_with(kept);
                Ok(())
            }
            Err(error) => {
                if matches!(error, DatabaseError::Unsupported(_)) {
                    self.change(|state| state.note(format!("{}: {LOST}", kept.vendor)));
                }
                Err(error)
            }
        }
    }

    /// Looks at the leases until the run is over.
    pub(super) fn watch_leases(self: &Arc<Self>) {
        while self.wait(Instant::now() + ROUND, |state| state.finishing.then_some(())).is_none() {
            for kept in self.servers() {
                // A failure is told when something is to be made there.
                if kept.lease.was_taken() && self.lease(&kept).is_ok() {
                    let there = self.lock().templates_on(&kept);
                    for wanted in &there {
                        self.fill(wanted);
                    }
                }
            }
        }
    }

    /// Forgets the clones of a server that are not there any more, and that nobody has yet.
    fn go_on_with(&self, kept: &Kept) {
        let ready = self.lock().standing_by(kept);
        let is_gone = |name: &&DatabaseName| match kept.server.look(name) {
            Ok(found) => found.is_none_or(|found| found.broken || found.prove().is_err()),
            // It is away again; the next look decides.
            Err(_) => false,
        };
        let gone: BTreeSet<_> = ready.iter().filter(is_gone).cloned().collect();
        self.change(|state| {
            state.strike(&gone);
            let vendor = &kept.vendor;
            state.note(format!("the connection to the server ({vendor}) was lost; it was opened again, and used on"));
            if !gone.is_empty() {
                state.note(format!("{} clones that were made ahead were gone then, and are made anew", gone.len()));
            }
        });
    }
}

impl State {
    /// Something is tried again.
    fn retry(&mut self, cause: &'static str) {
        *self.retries.entry(cause).or_default() += 1;
    }

    fn templates_on(&self, kept: &Kept) -> Vec<super::request::Wanted> {
        let there = |wanted: &&_| self.ready(wanted).is_some_and(|ready| ready.server.number == kept.number);
        self.templates.keys().filter(there).cloned().collect()
    }

    fn standing_by(&self, kept: &Kept) -> Vec<DatabaseName> {
        let there = self.clones.iter().filter(|(_, clone)| clone.server.number == kept.number);
        there.filter(|(_, clone)| clone.service == Service::Standby).map(|(name, _)| name.clone()).collect()
    }

    fn strike(&mut self, gone: &BTreeSet<DatabaseName>) {
        for template in self.templates.values_mut() {
            template.pool.standby.retain(|name| !gone.contains(name));
        }
        let struck = self.clones.iter_mut().filter(|(name, _)| gone.contains(*name));
        for (_, clone) in struck.filter(|(_, clone)| clone.service == Service::Standby) {
            clone.service = Service::Retired;
        }
    }
}

/// Why another attempt may succeed by itself; `None` = it would not.
fn transience(error: &DatabaseError) -> Option<&'static str> {
    match error {
        DatabaseError::Sql(sql) if sql.lost => Some("lost"),
        DatabaseError::Unreachable { .. } => Some("unreachable"),
        DatabaseError::Busy(..) => Some("busy"),
        _ => None,
    }
}

/// Whether another attempt may succeed by itself.
pub(super) fn is_transient(error: &DatabaseError) -> bool {
    transience(error).is_some()
}
