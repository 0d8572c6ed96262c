//! Dropping by hand: what could go, why, and what the user then names.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::guard::DatabaseName;
use serde_json::{Value, json};

use super::ending::{collected, dead_names};
use super::request::{Answer, Refusal};
use super::servers::Kept;
use super::{Keeper, now};
use crate::collect::{self, Judged, Policy, World};
use crate::error::Result;
use crate::journal::{self, Left};
use crate::marker::Use;

/// By hand every template may go, however new it is.
const EVERYTHING: (usize, u64) = (0, 0);

/// How long sizes are asked for: a server of thousands of databases would keep the user waiting.
const SIZING: Duration = Duration::from_secs(5);

impl Keeper {
    pub(super) fn clean_plan(&self, server: usize, project: Option<&str>) -> Answer {
        let kept = self.server(server)?;
        let mut judged = self.judge_all(&kept)?;
        judged.retain(|one| {
            let theirs = one.found.marker.as_ref().map(|marker| marker.project.as_str());
            project.is_none() || theirs.is_none() || theirs == project
        });
        let until = Instant::now() + SIZING;
        for one in judged.iter_mut().filter(|one| one.proof.is_some()).take_while(|_| Instant::now() < until) {
            // Lists leave sizes out where they cost; a size is only shown, so a failure leaves it unknown.
            if let Ok(Some(found)) = kept.server.look(&one.found.name) {
                one.found.size = found.size;
            }
        }
        Ok(Value::Array(judged.iter().map(describe).collect()))
    }

    pub(super) fn clean(&self, server: usize, names: &[String], wait: Duration) -> Answer {
        let kept = self.leased(server)?;
        if !kept.lease.is_held() {
            return Err(Refusal::new("failed", "without a lease nothing of others is dropped", ""));
        }
        let mut judged = self.judge_all(&kept)?;
        judged.retain(|one| names.iter().any(|name| name == one.found.name.as_str()));
        let left = self.left();
        let is_alive = |run: &str| self.is_alive(&kept, run, &left);
        let has_others = || self.has_others(&kept, &left);
        let journalled = dead_names(&left, &is_alive);
        let world = self.world(&is_alive, &has_others, &journalled);
        let done = collect::execute(&*kept.server, &judged, &world, Instant::now() + wait);
        let stayed = judged.iter().filter(|one| one.proof.is_none());
        let failed = stayed.map(|one| format!("{}: {}", one.found.name, one.why)).chain(done.failed);
        Ok(json!({
            "dropped": done.dropped.len(),
            "collected": collected(&done.dropped),
            "failed": failed.collect::<Vec<_>>(),
        }))
    }

    /// Judges everything, templates of every project as if they were old.
    fn judge_all(&self, kept: &Arc<Kept>) -> Result<Vec<Judged>> {
        let left = self.left();
        let is_alive = |run: &str| self.is_alive(kept, run, &left);
        let has_others = || self.has_others(kept, &left);
        let journalled = dead_names(&left, &is_alive);
        let world = self.world(&is_alive, &has_others, &journalled);
        let found = kept.server.list()?;
        let mut projects: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for one in found {
            let project = one.marker.as_ref().map_or_else(String::new, |marker| marker.project.clone());
            projects.entry(project).or_default().push(one);
        }
        let judge = |(project, found)| {
            let policy = Policy { project, keep_templates: EVERYTHING.0, keep_days: EVERYTHING.1 };
            collect::judge(found, &world, &policy)
        };
        Ok(projects.into_iter().flat_map(judge).collect())
    }

    fn left(&self) -> Vec<Left> {
        journal::left_by_others(self.journal.folder(), &self.run)
    }

    fn world<'a>(
        &'a self,
        is_alive: &'a dyn Fn(&str) -> bool,
        has_others: &'a dyn Fn() -> bool,
        journalled: &'a BTreeMap<DatabaseName, String>,
    ) -> World<'a> {
        World { now: now(), own: &self.run, is_alive, has_others, journalled }
    }
}

fn describe(one: &Judged) -> Value {
    let marker = one.found.marker.as_ref();
    let kind = marker.map_or("unknown", |marker| match marker.kind {
        Use::Build => "build",
        Use::Template => "template",
        Use::Clone => "clone",
    });
    json!({
        "name": one.found.name.as_str(),
        "kind": kind,
        "project": marker.map(|marker| marker.project.as_str()),
        "size": one.found.size,
        "age_seconds": collect::seconds_old(&one.found, now()),
        "why": one.why,
        "may_go": one.proof.is_some(),
    })
}
