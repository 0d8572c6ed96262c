//! What the keeper knows, behind one lock; every change wakes whoever waits for one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::guard::DatabaseName;
use serde_json::Value;

use super::Keeper;
use super::filling::Pool;
use super::request::{Refusal, Role, Wanted};
use super::servers::Kept;
use crate::server::Made;

/// How long a sleeper sleeps at most before it looks at the clock; it is woken by every change.
const TICK: Duration = Duration::from_millis(500);

/// A client's number.
pub(super) type ClientId = u64;

/// A complete template, and where it is.
#[derive(Clone)]
pub(super) struct Ready {
    pub(super) server: Arc<Kept>,
    pub(super) template: DatabaseName,
    pub(super) project: String,
    pub(super) key: String,
}

/// How far a template is.
pub(super) enum Stage {
    Preparing,
    Ready(Ready),
    Failed(Refusal),
}

/// One template and the clones that were made of it.
pub(super) struct Template {
    pub(super) stage: Stage,
    pub(super) pool: Pool,
    /// Why it was made in this run; empty if it was there.
    pub(super) why: String,
    /// How long that took.
    pub(super) seconds: f64,
    /// A state of one clone that only this clone goes back to.
    pub(super) of_one_clone: bool,
}

/// What a clone is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// Nobody has it yet.
    Standby,
    /// A client uses it.
    Used(ClientId),
    /// Nobody will use it any more, or it may never have become whole.
    Retired,
}

/// A clone that was begun.
pub(super) struct Clone {
    pub(super) wanted: Wanted,
    pub(super) server: Arc<Kept>,
    pub(super) made: Option<Made>,
    pub(super) service: Service,
}

/// Everything.
#[derive(Default)]
pub(super) struct State {
    pub(super) servers: Vec<Arc<Kept>>,
    pub(super) templates: BTreeMap<Wanted, Template>,
    pub(super) clones: BTreeMap<DatabaseName, Clone>,
    /// Names that makers were given and that are not published yet.
    pub(super) builds: BTreeMap<DatabaseName, Arc<Kept>>,
    /// Names that the server may be about to make: journalled, and no answer came about them yet.
    pub(super) unseen: BTreeSet<DatabaseName>,
    /// What the builder is to prepare: template and settings.
    pub(super) orders: VecDeque<(Wanted, Value)>,
    pub(super) clients: BTreeMap<ClientId, Option<Role>>,
    pub(super) last_client: ClientId,
    /// How many states of clones are being kept.
    pub(super) keeping: usize,
    /// When the controller's conversation ended.
    pub(super) controller_left: Option<Instant>,
    /// No clone is begun any more.
    pub(super) finishing: bool,
    /// Everything was dropped.
    pub(super) finished: bool,
    pub(super) seconds: Vec<f64>,
    /// How often something was tried again, by why: `busy`, `lost`, `unreachable`.
    pub(super) retries: BTreeMap<&'static str, u64>,
    /// What people are told, in order; the first have been told.
    notes: Vec<String>,
    told: usize,
    /// Since when the controller is certainly dead.
    pub(super) controller_died: Option<Instant>,
}

impl State {
    /// Something that people are told once.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    pub(super) fn take_notes(&mut self) -> Vec<String> {
        let new = self.notes[self.told..].to_vec();
        self.told = self.notes.len();
        new
    }

    /// How many clients have one of the roles; `None` = who has not said yet.
    pub(super) fn count(&self, roles: &[Option<Role>]) -> usize {
        self.clients.values().filter(|role| roles.contains(role)).count()
    }

    /// A client that may still ask for something. Builders and lenders only wait for us.
    pub(super) fn is_needed(&self) -> bool {
        self.count(&[None, Some(Role::Controller), Some(Role::Maker), Some(Role::Worker)]) > 0
    }

    pub(super) fn ready(&self, wanted: &Wanted) -> Option<Ready> {
        match self.templates.get(wanted).map(|template| &template.stage) {
            Some(Stage::Ready(ready)) => Some(ready.clone()),
            _ => None,
        }
    }

    /// Nobody is left who could finish a template.
    pub(super) fn fail_orphans(&mut self) {
        if self.count(&[Some(Role::Builder), Some(Role::Maker)]) > 0 {
            return;
        }
        for template in self.templates.values_mut() {
            if matches!(template.stage, Stage::Preparing) {
                let message = "the process that builds the templates of databases died";
                template.stage =
                    Stage::Failed(Refusal::new("failed", message, "Run again with --no-concurrent to see why."));
            }
        }
    }
}

impl Keeper {
    /// Only panics poison a lock, and every change is whole before anything that may panic.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something, and wakes whoever waits for it.
    pub(super) fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let result = act(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Waits until `look` finds something; `None` = not before `until`.
    pub(super) fn wait<T>(&self, until: Instant, mut look: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(found) = look(&mut state) {
                return Some(found);
            }
            let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            let (next, _) = self.changed.wait_timeout(state, left.min(TICK)).unwrap_or_else(PoisonError::into_inner);
            state = next;
        }
    }
}
