//! What is told of a run.

use serde_json::{Value, json};

use super::Keeper;
use super::state::{Service, Stage, State};

impl Keeper {
    pub(super) fn status(&self) -> Value {
        self.change(|state| {
            let count = |wanted: fn(Service) -> bool| state.clones.values().filter(|one| wanted(one.service)).count();
            let (ready, in_use) = (count(|one| one == Service::Standby), count(|one| matches!(one, Service::Used(_))));
            let retired = count(|one| one == Service::Retired);
            let mut seconds = state.seconds.clone();
            seconds.sort_by(f64::total_cmp);
            let made = seconds.len();
            json!({
                "templates": state.describe_templates(),
                "clones": { "made": made, "ready": ready, "in_use": in_use, "retired": retired },
                "median_seconds": seconds.get(made / 2),
                "max_seconds": seconds.last(),
                "retries": state.retries,
                "notes": state.take_notes(),
            })
        })
    }
}

impl State {
    /// The templates that clients know of.
    pub(super) fn describe_templates(&self) -> Vec<Value> {
        let templates = self.templates.iter().filter(|(_, template)| !template.of_one_clone);
        let described = templates.map(|(wanted, template)| {
            let (state, ready) = match &template.stage {
                Stage::Preparing => ("preparing", None),
                Stage::Ready(ready) => ("ready", Some(ready)),
                Stage::Failed(_) => ("failed", None),
            };
            json!({
                "alias": wanted.alias,
                "fingerprint": wanted.fingerprint,
                "state": state,
                "server": ready.map(|ready| ready.server.number),
                "vendor": ready.map(|ready| ready.server.vendor.as_str()),
                "template": ready.map(|ready| ready.template.as_str()),
                "why": template.why,
                "seconds": template.seconds,
                // What was there needs no reason.
                "hit": ready.is_some() && template.why.is_empty(),
            })
        });
        described.collect()
    }
}
