//! Templates as they become ready, and the clones that clients have.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::guard::DatabaseName;
use serde_json::{Value, json};

use super::Keeper;
use super::filling::Pool;
use super::request::{Answer, Origin, Refusal, Wanted};
use super::servers::Kept;
use super::state::{ClientId, Ready, Service, Stage, State, Template};
use crate::error::DatabaseError;
use crate::server::{Made, Restored};

/// How long a client waits that does not say how long: as long as for a template that is being built.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);

/// How long another clone is waited for when one cannot be restored.
const PATIENCE_TO_RESTORE: Duration = Duration::from_secs(60);

impl Keeper {
    pub(super) fn announce(&self, wanted: Wanted, clones: usize) {
        self.change(|state| {
            let template = state.templates.entry(wanted).or_insert_with(Template::preparing);
            template.pool.ahead = ahead(clones);
            if matches!(template.stage, Stage::Failed(_)) {
                template.stage = Stage::Preparing;
            }
        });
    }

    pub(super) fn settle(
        self: &Arc<Self>,
        wanted: &Wanted,
        server: usize,
        name: DatabaseName,
        clones: usize,
        origin: Origin,
    ) -> Answer {
        let server = self.server(server)?;
        let found = server.server.look(&name)?.ok_or_else(|| DatabaseError::Missing(name.to_string()))?;
        found.prove()?;
        let Some(marker) = found.marker else { return Err(DatabaseError::Missing(name.to_string()).into()) };
        let ready = Ready { server, template: name, project: marker.project, key: marker.key };
        self.change(|state| {
            let template = state.templates.entry(wanted.clone()).or_insert_with(Template::preparing);
            template.pool.ahead = ahead(clones);
            template.stage = Stage::Ready(ready);
            template.why = origin.why;
            template.seconds = origin.seconds;
            origin.remarks.into_iter().for_each(|remark| state.note(remark));
        });
        self.fill(wanted);
        Ok(json!({}))
    }

    pub(super) fn fail(&self, wanted: Wanted, refusal: Refusal) {
        self.change(|state| {
            let template = state.templates.entry(wanted).or_insert_with(Template::preparing);
            // A maker may die after it has told of its success; the template is there all the same.
            if !matches!(template.stage, Stage::Ready(_)) {
                template.stage = Stage::Failed(refusal);
            }
        });
    }

    /// Gives a client a clone of its own, waiting for the template and for the clone.
    pub(super) fn hand_out(
        self: &Arc<Self>,
        client: ClientId,
        wanted: &Wanted,
        settings: Value,
        wait: Duration,
    ) -> Answer {
        let began = Instant::now();
        let until = began + wait;
        let ready = self.await_template(wanted, settings, until, wait)?;
        let template = ready.template.as_str();
        let (made, path) = if ready.server.hands_out_templates() {
            let path = ready.server.template_path(template);
            (Made { name: ready.template.clone(), identity: template.to_owned(), path: None }, path)
        } else {
            let made = self.await_clone(client, wanted, until, wait)?;
            let path = made.path.clone();
            (made, path)
        };
        Ok(json!({
            "name": made.name.as_str(),
            "identity": made.identity,
            "template": template,
            "path": path,
            "server": ready.server.number,
            "waited": began.elapsed().as_secs_f64(),
        }))
    }

    fn await_template(
        &self,
        wanted: &Wanted,
        settings: Value,
        until: Instant,
        wait: Duration,
    ) -> Result<Ready, Refusal> {
        self.change(|state| {
            if !state.templates.contains_key(wanted) && !state.finishing {
                state.templates.insert(wanted.clone(), Template::preparing());
                state.orders.push_back((wanted.clone(), settings));
            }
        });
        let settled = self.wait(until, |state| match state.templates.get(wanted).map(|template| &template.stage) {
            _ if state.finishing => Some(Err(over())),
            Some(Stage::Ready(ready)) => Some(Ok(ready.clone())),
            Some(Stage::Failed(refusal)) => Some(Err(refusal.clone())),
            _ => None,
        });
        settled.unwrap_or_else(|| {
            let text = format!("the template of the database {:?} was not ready within {wait:?}", wanted.alias);
            Err(Refusal::new("timeout", text, "Something may hold it up: look at the server's own list of sessions."))
        })
    }

    fn await_clone(
        self: &Arc<Self>,
        client: ClientId,
        wanted: &Wanted,
        until: Instant,
        wait: Duration,
    ) -> Result<Made, Refusal> {
        self.change(|state| state.pool(wanted, |pool| pool.waiting += 1));
        self.fill(wanted);
        let taken = self.wait(until, |state| state.take(client, wanted));
        self.change(|state| {
            state.pool(wanted, |pool| {
                pool.waiting = pool.waiting.saturating_sub(1);
                pool.failures.truncate(pool.waiting);
            });
        });
        if matches!(taken, Some(Ok(_))) {
            self.fill(wanted);
        }
        taken.unwrap_or_else(|| {
            let text = format!("no clone of the database {:?} was ready within {wait:?}", wanted.alias);
            Err(Refusal::new("timeout", text, "The server may be overloaded: run with fewer workers."))
        })
    }

    /// Gives a client's clone the content of its template again, or gives it another clone.
    pub(super) fn restore(self: &Arc<Self>, client: ClientId, name: &DatabaseName, wait: Duration) -> Answer {
        let (wanted, server, made) = self.clone_of(client, name)?;
        let ready = self.lock().ready(&wanted).ok_or_else(|| DatabaseError::Missing("the template".into()))?;
        let until = Instant::now() + wait;
        match self.patiently(Some(until), || server.server.restore(&ready.template, name)) {
            Ok(Restored::InPlace) => Ok(handed(&made, true)),
            // A server that was restarted may have lost it.
            Ok(Restored::UseAnother) | Err(DatabaseError::Missing(_)) => {
                let another = self.await_clone(client, &wanted, until, wait)?;
                self.retire(name);
                Ok(handed(&another, false))
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn clone_of(&self, client: ClientId, name: &DatabaseName) -> Result<(Wanted, Arc<Kept>, Made), Refusal> {
        let state = self.lock();
        let clone = state.clones.get(name).filter(|clone| clone.service == Service::Used(client));
        clone
            .and_then(|clone| Some((clone.wanted.clone(), Arc::clone(&clone.server), clone.made.clone()?)))
            .ok_or_else(|| Refusal::invalid(format!("{name} is no clone that this process has")))
    }

    /// A clone that nobody uses any more; it is dropped after the run. A template that was handed out stays.
    pub(super) fn retire(&self, name: &DatabaseName) {
        self.change(|state| {
            if let Some(clone) = state.clones.get_mut(name) {
                clone.service = Service::Retired;
            }
        });
    }

    pub(super) fn verify(&self, name: &DatabaseName) -> Answer {
        let found = self.server_of(name)?.server.look(name)?;
        let sessions = found.as_ref().map_or(0, |found| found.sessions);
        Ok(json!({ "alive": found.is_some_and(|found| !found.broken), "sessions": sessions }))
    }

    pub(super) fn end_sessions(&self, name: &DatabaseName) -> Answer {
        let server = self.server_of(name)?;
        let found = server.server.look(name)?.ok_or_else(|| DatabaseError::Missing(name.to_string()))?;
        Ok(json!({ "ended": server.server.end_sessions(&found.prove()?)? }))
    }

    /// The server of something that this run made or uses.
    pub(super) fn server_of(&self, name: &DatabaseName) -> Result<Arc<Kept>, Refusal> {
        let state = self.lock();
        let clone = state.clones.get(name).map(|clone| &clone.server);
        let template = || {
            state.templates.values().find_map(|template| match &template.stage {
                Stage::Ready(ready) if &ready.template == name => Some(&ready.server),
                _ => None,
            })
        };
        let server = clone.or_else(|| state.builds.get(name)).or_else(template);
        server.cloned().ok_or_else(|| Refusal::invalid(format!("{name} is nothing that this run made")))
    }
}

impl Template {
    pub(super) fn preparing() -> Self {
        Self { stage: Stage::Preparing, pool: Pool::default(), why: String::new(), seconds: 0.0, of_one_clone: false }
    }
}

impl State {
    fn pool(&mut self, wanted: &Wanted, act: impl FnOnce(&mut Pool)) {
        if let Some(template) = self.templates.get_mut(wanted) {
            act(&mut template.pool);
        }
    }

    /// A clone for a client, or why there is none; `None` = not yet.
    fn take(&mut self, client: ClientId, wanted: &Wanted) -> Option<Result<Made, Refusal>> {
        if self.finishing {
            return Some(Err(over()));
        }
        let pool = &mut self.templates.get_mut(wanted)?.pool;
        let Some(name) = pool.standby.pop_front() else { return pool.failures.pop_front().map(Err) };
        pool.handed_out += 1;
        let clone = self.clones.get_mut(&name)?;
        clone.service = Service::Used(client);
        clone.made.clone().map(Ok)
    }

    /// A client is gone: its clones are in a state that nobody knows.
    pub(super) fn retire_all_of(&mut self, client: ClientId) {
        for clone in self.clones.values_mut().filter(|clone| clone.service == Service::Used(client)) {
            clone.service = Service::Retired;
        }
    }
}

/// One for each slot, and a spare for a replacement; none if none were asked for.
fn ahead(clones: usize) -> usize {
    if clones == 0 { 0 } else { clones.saturating_add(1).min(MOST_AHEAD) }
}

/// More are not made ahead, whatever a client says: no machine has use for that many workers.
const MOST_AHEAD: usize = 1024;

fn over() -> Refusal {
    Refusal::new("failed", "the run is over: no clone is made any more", "")
}

fn handed(made: &Made, in_place: bool) -> Value {
    json!({ "in_place": in_place, "name": made.name.as_str(), "identity": made.identity, "path": made.path })
}

/// How long a restore or a snapshot waits that does not say how long.
pub(super) fn restore_patience() -> Duration {
    PATIENCE_TO_RESTORE
}
