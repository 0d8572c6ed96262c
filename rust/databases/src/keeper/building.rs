//! Templates in the making: found, begun, marked, published, loaded.

use std::path::Path;
use std::sync::Arc;

use engine::guard::DatabaseName;
use serde_json::json;

use super::request::{Answer, Refusal};
use super::servers::Kept;
use super::{Keeper, now, random};
use crate::error::{DatabaseError, Result};
use crate::marker::{Marker, Use};
use crate::names;
use crate::server::Found;

/// How often a template's mark says that it was used, in seconds: once a day is enough for rules that count days.
const DAY: u64 = 24 * 60 * 60;

impl Keeper {
    pub(super) fn find(&self, server: usize, project: &str, key: &str) -> Answer {
        let kept = self.server(server)?;
        let Some(found) = self.template_of(&kept, project, key)? else {
            return Ok(json!({ "template": null, "built": null }));
        };
        let built = found.marker.as_ref().map(|marker| marker.created);
        self.touch(&kept, &found);
        Ok(json!({ "template": found.name.as_str(), "built": built }))
    }

    /// The proven template of a project and key; the newest, if there are several.
    fn template_of(&self, kept: &Kept, project: &str, key: &str) -> Result<Option<Found>> {
        // A mark holds the project's name as far as it has room for it.
        let project = self.mark(Use::Template, project, key, "").project;
        let is_it = |found: &Found| {
            let marker = found.marker.as_ref();
            marker.is_some_and(|marker| {
                marker.kind == Use::Template && marker.project == project && marker.key == key && !found.broken
            }) && found.prove().is_ok()
        };
        let found = kept.server.list()?.into_iter().filter(is_it);
        Ok(found.max_by_key(|found| found.marker.as_ref().map_or(0, |marker| marker.created.min(now()))))
    }

    /// Notes that the template is used. It is only a note: a failure makes it look unused a day longer.
    fn touch(&self, kept: &Kept, found: &Found) {
        let (Some(marker), now) = (&found.marker, now()) else { return };
        if (marker.used > now || now - marker.used >= DAY) && self.lease(kept).is_ok() {
            let mut touched = marker.clone();
            touched.used = now;
            if let Err(error) = kept.server.mark(&found.name, &|_| touched.clone()) {
                self.change(|state| state.note(format!("the last use of {} could not be noted: {error}", found.name)));
            }
        }
    }

    /// A name for a new template, journalled; nothing is made yet.
    pub(super) fn begin(&self, server: usize, label: &str) -> Result<DatabaseName, Refusal> {
        let kept = self.leased(server)?;
        let name = names::template_name(label, random()?);
        self.journal.append(&kept.identity, &kept.vendor, &name)?;
        self.change(|state| {
            if state.finishing {
                return Err(Refusal::new("failed", "the run is over: no template is begun any more", ""));
            }
            state.builds.insert(name.clone(), kept);
            state.unseen.insert(name.clone());
            Ok(name)
        })
    }

    pub(super) fn create(&self, server: usize, name: &DatabaseName) -> Answer {
        self.build(server, name)?.server.create(name)?;
        Ok(json!({}))
    }

    pub(super) fn mark_build(&self, server: usize, name: &DatabaseName, project: &str) -> Answer {
        let kept = self.build(server, name)?;
        kept.server.mark(name, &|id| self.mark(Use::Build, project, "", id))?;
        self.change(|state| state.unseen.remove(name));
        Ok(json!({}))
    }

    pub(super) fn publish(
        &self,
        server: usize,
        name: &DatabaseName,
        project: &str,
        key: &str,
        rebuild: bool,
    ) -> Answer {
        let kept = self.build(server, name)?;
        if !rebuild && let Some(other) = self.template_of(&kept, project, key)? {
            // Another run was quicker. Ours is dropped now: nobody has seen it yet.
            self.drop_build(&kept, name)?;
            return Ok(json!({ "template": other.name.as_str() }));
        }
        kept.server.seal(name, &|id| self.mark(Use::Template, project, key, id))?;
        self.change(|state| {
            state.unseen.remove(name);
            state.builds.remove(name)
        });
        Ok(json!({ "template": name.as_str() }))
    }

    pub(super) fn abandon(&self, server: usize, name: &DatabaseName) -> Answer {
        let kept = self.build(server, name)?;
        self.drop_build(&kept, name)?;
        Ok(json!({}))
    }

    pub(super) fn dump(&self, server: usize, template: &DatabaseName, file: &Path) -> Answer {
        let kept = self.server(server)?;
        let found = kept.server.look(template)?.ok_or_else(|| DatabaseError::Missing(template.to_string()))?;
        found.prove()?;
        kept.server.dump(template, file)?;
        Ok(json!({}))
    }

    pub(super) fn load(&self, server: usize, label: &str, whose: (&str, &str), file: &Path) -> Answer {
        let name = self.begin(server, label)?;
        let kept = self.build(server, &name)?;
        let filled = kept
            .server
            .create(&name)
            .and_then(|()| kept.server.mark(&name, &|id| self.mark(Use::Build, whose.0, "", id)))
            .and_then(|()| kept.server.load(&name, file));
        if let Err(error) = filled {
            // What could not be dropped now is dropped after the run.
            let _ = self.drop_build(&kept, &name);
            return Err(error.into());
        }
        self.publish(server, &name, whose.0, whose.1, false)
    }

    fn mark(&self, kind: Use, project: &str, key: &str, id: &str) -> Marker {
        Marker::new(kind, project, &self.run, key, id, now())
    }

    /// A build of this run on a server, whose lease is held.
    fn build(&self, server: usize, name: &DatabaseName) -> Result<Arc<Kept>, Refusal> {
        let kept = self.lock().builds.get(name).filter(|kept| kept.number == server).cloned();
        let kept = kept.ok_or_else(|| Refusal::invalid(format!("{name} is no template that this run builds there")))?;
        self.lease(&kept)?;
        Ok(kept)
    }

    fn drop_build(&self, kept: &Kept, name: &DatabaseName) -> Result<()> {
        self.drop_own(kept, name)?;
        // Its maker has come back from whatever it asked the server for: nothing is on its way any more.
        self.change(|state| {
            state.unseen.remove(name);
            state.builds.remove(name)
        });
        Ok(())
    }

    /// Drops something that this run made and that may not have got its mark; our own journal proves it.
    ///
    /// Whether it was there.
    pub(super) fn drop_own(&self, kept: &Kept, name: &DatabaseName) -> Result<bool> {
        let Some(found) = kept.server.look(name)? else { return Ok(false) };
        let is_ours = found.marker.as_ref().is_none_or(|marker| marker.run == self.run && marker.kind != Use::Template);
        if !is_ours {
            return Err(DatabaseError::NotOurs(name.to_string(), "its mark is not of this run".into()));
        }
        kept.server.drop_database(&found.prove_by_journal(name)?)?;
        Ok(true)
    }
}
