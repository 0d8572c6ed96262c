//! Clones that are made ahead, so that whoever needs one need not wait.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::guard::DatabaseName;

use super::enduring::is_transient;
use super::request::{Refusal, Wanted};
use super::state::{Clone as Kept, Ready, Service, Stage, State};
use super::{Keeper, now, random};
use crate::error::{DatabaseError, Result};
use crate::marker::{Marker, Use};
use crate::names;
use crate::server::Made;

/// The clones of one template that nobody has yet.
#[derive(Default)]
pub(super) struct Pool {
    /// How many are made without being asked for: one for each slot, and a spare.
    pub(super) ahead: usize,
    pub(super) standby: VecDeque<DatabaseName>,
    pub(super) making: usize,
    pub(super) handed_out: usize,
    /// How many requests wait.
    pub(super) waiting: usize,
    /// What the requests that wait are told; never more than there are.
    pub(super) failures: VecDeque<Refusal>,
    /// The last attempt failed: nothing is made that nobody waits for.
    pub(super) faltering: bool,
}

impl Pool {
    /// How many to begin now.
    fn missing(&self) -> usize {
        let spare = usize::from(self.handed_out > 0);
        let wanted = if self.faltering {
            self.waiting
        } else {
            (self.waiting + spare).max(self.ahead.saturating_sub(self.handed_out))
        };
        wanted.saturating_sub(self.standby.len() + self.making)
    }

    /// Notes a failure, for somebody who waits if there are not enough under way for all who do.
    fn failed(&mut self, refusal: Refusal) -> Option<Refusal> {
        self.faltering = true;
        if self.waiting > self.making + self.standby.len() + self.failures.len() {
            self.failures.push_back(refusal);
            return None;
        }
        Some(refusal)
    }
}

impl Keeper {
    /// Begins as many clones as are missing.
    pub(super) fn fill(self: &Arc<Self>, wanted: &Wanted) {
        let missing = self.change(|state| {
            if state.finishing {
                return 0;
            }
            let Some(template) = state.templates.get_mut(wanted) else { return 0 };
            match &template.stage {
                Stage::Ready(ready) if !ready.server.hands_out_templates() => {
                    let missing = template.pool.missing();
                    template.pool.making += missing;
                    missing
                }
                _ => 0,
            }
        });
        for _ in 0..missing {
            let (keeper, wanted) = (Arc::clone(self), wanted.clone());
            self.fillers.spawn(move || keeper.fill_one(&wanted));
        }
    }

    fn fill_one(&self, wanted: &Wanted) {
        let began = Instant::now();
        // A panic on a thread of the pool would end the process, and with it everybody's databases.
        let made = catch_unwind(AssertUnwindSafe(|| self.patiently(None, || self.make(wanted))));
        let made = made.unwrap_or_else(|_| Err(DatabaseError::Unsupported("a clone could not be made (a bug)".into())));
        self.change(|state| match made {
            Ok(name) => state.stand_by(wanted, name, began.elapsed()),
            Err(error) => state.miss(wanted, error),
        });
    }

    fn make(&self, wanted: &Wanted) -> Result<DatabaseName> {
        let ready = self.lock().ready(wanted).ok_or_else(|| DatabaseError::Missing("the template".into()))?;
        self.make_from(wanted, &ready)
    }

    /// Makes one clone. Its name is journalled and entered before, so that it is dropped whatever happens.
    pub(super) fn make_from(&self, wanted: &Wanted, ready: &Ready) -> Result<DatabaseName> {
        self.lease(&ready.server)?;
        let name = names::clone_name(&ready.project, &self.run, random()?);
        self.journal.append(&ready.server.identity, &ready.server.vendor, &name)?;
        self.change(|state| match state {
            state if state.finishing => Err(DatabaseError::Unsupported("the run is over".into())),
            state => {
                state.enter(wanted, ready, &name);
                Ok(())
            }
        })?;
        let made = self.copy(ready, &name);
        if matches!(&made, Err(error) if is_transient(error)) {
            // No other name is written down before it is certain that the server is there.
            ready.server.lease.doubt();
        } else {
            self.change(|state| state.unseen.remove(&name));
        }
        let made = made?;
        self.change(|state| {
            if let Some(clone) = state.clones.get_mut(&name) {
                clone.made = Some(made);
            }
        });
        Ok(name)
    }

    fn copy(&self, ready: &Ready, name: &DatabaseName) -> Result<Made> {
        let moment = now();
        let marker = |id: &str| Marker::new(Use::Clone, &ready.project, &self.run, &ready.key, id, moment);
        ready.server.server.clone_template(&ready.template, name, &marker)
    }
}

impl State {
    fn enter(&mut self, wanted: &Wanted, ready: &Ready, name: &DatabaseName) {
        let (wanted, server) = (wanted.clone(), Arc::clone(&ready.server));
        self.unseen.insert(name.clone());
        self.clones.insert(name.clone(), Kept { wanted, server, made: None, service: Service::Retired });
    }

    fn stand_by(&mut self, wanted: &Wanted, name: DatabaseName, took: Duration) {
        self.seconds.push(took.as_secs_f64());
        if let Some(clone) = self.clones.get_mut(&name) {
            clone.service = Service::Standby;
        }
        if let Some(template) = self.templates.get_mut(wanted) {
            template.pool.making = template.pool.making.saturating_sub(1);
            template.pool.faltering = false;
            template.pool.standby.push_back(name);
        }
    }

    fn miss(&mut self, wanted: &Wanted, error: DatabaseError) {
        let Some(template) = self.templates.get_mut(wanted) else { return };
        template.pool.making = template.pool.making.saturating_sub(1);
        let mut refusal = Refusal::from(error);
        refusal.message = format!("no clone of the database {:?} could be made: {}", wanted.alias, refusal.message);
        if let Some(unheard) = template.pool.failed(refusal)
            && !self.finishing
        {
            self.note(unheard.message);
        }
    }
}
