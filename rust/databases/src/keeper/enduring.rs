//! A server that is restarted during the run: waited for, taken again, and what it lost is forgotten.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use engine::Retries;
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

/// The first pause while a server is away; it is not the user's, whose retries may follow each other at once.
const FIRST_PAUSE: Duration = Duration::from_millis(400);

/// While a server is away no pause is longer, so that work goes on soon after it is back.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How something has fared that is tried again.
struct Attempts {
    place: u64,
    /// How often somebody was in the way.
    busy: u32,
    /// How often the server was away, and since when it is.
    away: u32,
    away_since: Option<Instant>,
}

impl Keeper {
    /// Does something again as long as another attempt may succeed by itself, and begins none after `until`.
    pub(super) fn patiently<T>(&self, until: Option<Instant>, act: impl Fn() -> Result<T>) -> Result<T> {
        let place = self.patient.fetch_add(1, Ordering::Relaxed);
        let mut attempts = Attempts { place, busy: 0, away: 0, away_since: None };
        loop {
            let (error, cause) = match act() {
                Err(error) => match transience(&error) {
                    Some(cause) if !self.lock().finishing => (error, cause),
                    _ => return Err(error),
                },
                done => return done,
            };
            let next = self.pause(&mut attempts, &error).map(|pause| Instant::now() + pause);
            let Some(next) = next.filter(|next| until.is_none_or(|until| *next < until)) else {
                let (attempts, last) = (attempts.busy + attempts.away, Box::new(error));
                return Err(if attempts > 1 { DatabaseError::Exhausted { attempts, last } } else { *last });
            };
            self.change(|state| state.retry(cause));
            self.wait(next, |state| state.finishing.then_some(()));
        }
    }

    /// What comes before the next attempt; `None` = it is given up. Who is in the way is waited for as often as the user
    /// says. A server that is away is waited for as long as a restart takes, however often it is asked meanwhile, unless
    /// nothing is to be tried again.
    fn pause(&self, attempts: &mut Attempts, error: &DatabaseError) -> Option<Duration> {
        if !is_away(error) {
            attempts.busy += 1;
            return self.retries.pause(attempts.place, attempts.busy);
        }
        attempts.away += 1;
        let waited = attempts.away_since.get_or_insert_with(Instant::now).elapsed();
        let away = Retries { most: u32::MAX, delay: FIRST_PAUSE, ..self.retries };
        let pause = away.pause(attempts.place, attempts.away)?.min(LONGEST_PAUSE);
        (self.retries.most > 0 && waited < self.restart).then_some(pause)
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

/// Whether the server was not there to answer.
pub(super) fn is_away(error: &DatabaseError) -> bool {
    is_transient(error) && !matches!(error, DatabaseError::Busy(..))
}

/// Whether another attempt may succeed by itself.
pub(super) fn is_transient(error: &DatabaseError) -> bool {
    transience(error).is_some()
}
