//! States of clones that they go back to in place of the template's.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::guard::DatabaseName;
use serde_json::json;

use super::Keeper;
use super::request::{Answer, Refusal, Wanted};
use super::state::{ClientId, Ready, Service, Stage, State, Template};
use crate::error::DatabaseError;

impl Keeper {
    /// From now on a restore of this clone goes back to what it holds now.
    ///
    /// A copy of the clone, which nobody uses, becomes its template. Every connection to the clone is ended.
    pub(super) fn snapshot(self: &Arc<Self>, client: ClientId, name: &DatabaseName, wait: Duration) -> Answer {
        let until = Instant::now() + wait;
        if self.server_of(name)?.vendor == "sqlite" {
            let text = "who has a file of SQLite copies it himself";
            return Err(Refusal::new("unsupported", text, ""));
        }
        let (wanted, server, _) = self.clone_of(client, name)?;
        let ready = self.lock().ready(&wanted).ok_or_else(|| DatabaseError::Missing("the template".into()))?;
        let source = Ready { template: name.clone(), ..ready };
        self.change(|state| state.keeping += 1);
        let copied = catch_unwind(AssertUnwindSafe(|| {
            self.patiently(Some(until), || {
                let found = server.server.look(name)?.ok_or_else(|| DatabaseError::Missing(name.to_string()))?;
                server.server.end_sessions(&found.prove()?)?;
                self.make_from(&wanted, &source)
            })
        }));
        self.change(|state| state.keeping -= 1);
        let copy = copied.unwrap_or_else(|panic| resume_unwind(panic))?;
        let own = Wanted { alias: wanted.alias.clone(), fingerprint: copy.to_string() };
        // Where a clone is not put back in place, the next one is ready before it is asked for.
        let ahead = usize::from(server.vendor == "postgresql");
        self.change(|state| {
            state.retire_standby_of_own(&wanted);
            state.templates.insert(own.clone(), Template::of_one_clone(Ready { template: copy, ..source }, ahead));
            if let Some(clone) = state.clones.get_mut(name) {
                clone.wanted = own.clone();
            }
        });
        self.fill(&own);
        Ok(json!({}))
    }
}

impl Template {
    fn of_one_clone(ready: Ready, ahead: usize) -> Self {
        let mut template = Self::preparing();
        template.stage = Stage::Ready(ready);
        template.of_one_clone = true;
        template.pool.ahead = ahead;
        template
    }
}

impl State {
    /// An earlier state of the same clone is not gone back to any more.
    fn retire_standby_of_own(&mut self, wanted: &Wanted) {
        let Some(template) = self.templates.get_mut(wanted).filter(|template| template.of_one_clone) else { return };
        template.pool.ahead = 0;
        template.pool.handed_out = 0;
        for name in std::mem::take(&mut template.pool.standby) {
            if let Some(clone) = self.clones.get_mut(&name) {
                clone.service = Service::Retired;
            }
        }
    }
}
