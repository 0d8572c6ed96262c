//! The end of a run: what it made goes, then what dead runs left and what nobody used for long.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use engine::guard::DatabaseName;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::enduring::is_away;
use super::servers::Kept;
use super::{Keeper, now};
use crate::collect::{self, Policy, World};
use crate::error::{DatabaseError, Result};
use crate::journal::{self, Left};

/// How long dropping may take when nobody says how long: half a minute more after a run is the most that people bear.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How long clones that are being made are waited for: they are dropped with the others.
const UNDER_WAY: Duration = Duration::from_secs(10);

/// What was done.
#[derive(Default)]
struct Report {
    dropped: usize,
    failed: Vec<String>,
    /// Names that the server may never have made, and that could not be looked for.
    uncertain: usize,
    collected: Vec<(DatabaseName, String)>,
}

impl Keeper {
    /// Ends the run. The second call finds nothing to do.
    pub(super) fn finish(&self, policy: Option<&Policy>, wait: Duration) -> Value {
        // The controller may have died while it waited for its answer.
        let _alone = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + wait;
        self.change(|state| state.finishing = true);
        let quiet = |state: &mut super::state::State| {
            let made = state.templates.values().all(|template| template.pool.making == 0);
            (made && state.keeping == 0).then_some(())
        };
        let _ = self.wait(until.min(Instant::now() + UNDER_WAY), quiet);
        let mut report = Report::default();
        self.drop_everything_own(until, &mut report);
        if let Some(policy) = policy {
            self.collect_all(policy, until, &mut report);
        }
        self.settle_own_journal();
        self.change(|state| {
            state.finished = true;
            json!({
                "dropped": report.dropped,
                "failed": report.failed,
                "collected": collected(&report.collected),
                "clones": state.seconds.len(),
                "clone_seconds": state.seconds,
                "retries": state.retries,
                "templates": state.describe_templates(),
                "notes": state.take_notes(),
            })
        })
    }

    fn drop_everything_own(&self, until: Instant, report: &mut Report) {
        let own = self.change(|state| {
            let clones = state.clones.iter().map(|(name, clone)| (name.clone(), Arc::clone(&clone.server)));
            let builds = state.builds.iter().map(|(name, kept)| (name.clone(), Arc::clone(kept)));
            clones.chain(builds).collect::<Vec<_>>()
        });
        let report = Mutex::new(report);
        let slow = AtomicBool::new(false);
        let left = Mutex::new(0_usize);
        self.fillers.install(|| {
            own.par_iter().for_each(|(name, kept)| {
                if Instant::now() >= until || slow.load(Ordering::Relaxed) {
                    *left.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                    return;
                }
                let began = Instant::now();
                let dropped = self.drop_one_own(kept, name);
                if began.elapsed() > collect::SLOW_DROP {
                    slow.store(true, Ordering::Relaxed);
                }
                let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                match dropped {
                    Ok(was_there) => report.dropped += usize::from(was_there),
                    Err(error) if is_away(&error) && self.lock().unseen.contains(name) => report.uncertain += 1,
                    Err(error) => report.failed.push(format!("{name}: {error}")),
                }
            });
        });
        let uncertain = report.into_inner().unwrap_or_else(PoisonError::into_inner).uncertain;
        if uncertain > 0 {
            let text = format!(
                "{uncertain} databases that may never have come to be could not be looked for; the next run on that \
                 server drops what is there"
            );
            self.change(|state| state.note(text));
        }
        let left = left.into_inner().unwrap_or_else(PoisonError::into_inner);
        if left > 0 {
            let text = format!("{left} clones were not dropped in time; the next run on that server drops them");
            self.change(|state| state.note(text));
        }
    }

    fn drop_one_own(&self, kept: &Kept, name: &DatabaseName) -> Result<bool> {
        // A panic would leave all the others undropped.
        let dropped = catch_unwind(AssertUnwindSafe(|| self.drop_own(kept, name)));
        let was_there =
            dropped.unwrap_or_else(|_| Err(DatabaseError::Unsupported("dropping it failed (a bug)".into())))?;
        self.change(|state| {
            state.clones.remove(name);
            state.builds.remove(name);
            if was_there {
                state.unseen.remove(name);
            }
        });
        Ok(was_there)
    }

    fn collect_all(&self, policy: &Policy, until: Instant, report: &mut Report) {
        let left = journal::left_by_others(self.journal.folder(), &self.run);
        let mut seen = BTreeSet::new();
        let mut met = BTreeSet::new();
        let mut settled: BTreeMap<&str, bool> = left.iter().map(|one| (one.run.as_str(), !one.held)).collect();
        for kept in self.servers() {
            // The same server may have been reached twice; and who may be taken for dead drops nothing of others.
            if !self.may_judge(&kept) || !seen.insert(kept.identity.clone()) {
                continue;
            }
            match self.collect_on(&kept, policy, &left, until, report, &mut settled) {
                Ok(found) => met.extend(found),
                Err(error) => {
                    settled.clear();
                    report.failed.push(format!("{}: {error}", kept.identity));
                }
            }
        }
        for one in &left {
            if settled.get(one.run.as_str()) == Some(&true) && one.is_settled(&seen, &met) {
                let _ = fs::remove_file(&one.path);
            }
        }
    }

    /// Whether we are certainly not taken for dead; who made nothing there has no business there.
    fn may_judge(&self, kept: &Kept) -> bool {
        kept.lease.was_taken() && self.lease(kept).is_ok() && kept.lease.is_held()
    }

    /// The names that were there.
    fn collect_on<'a>(
        &self,
        kept: &Kept,
        policy: &Policy,
        left: &'a [Left],
        until: Instant,
        report: &mut Report,
        settled: &mut BTreeMap<&'a str, bool>,
    ) -> Result<Vec<DatabaseName>> {
        let found = kept.server.list()?;
        let met = found.iter().map(|one| one.name.clone()).collect();
        let is_alive = |run: &str| self.is_alive(kept, run, left);
        let journalled = dead_names(left, &is_alive);
        let has_others = || self.has_others(kept, left);
        let world =
            World { now: now(), own: &self.run, is_alive: &is_alive, has_others: &has_others, journalled: &journalled };
        let judged = collect::judge(found, &world, policy);
        let collected = collect::execute(&*kept.server, &judged, &world, until);
        report.collected.extend(collected.dropped);
        report.failed.extend(collected.failed);
        let remaining = kept.server.list()?;
        for one in left {
            let names = one.names();
            let done = collect::is_settled(&names, &remaining) && (names.is_empty() || !is_alive(&one.run));
            if !done {
                settled.insert(&one.run, false);
            }
        }
        Ok(met)
    }

    /// Whether a run may be alive; when the server does not say, it is.
    pub(super) fn is_alive(&self, kept: &Kept, run: &str, left: &[Left]) -> bool {
        run == self.run
            || left.iter().any(|one| one.run == run && one.held)
            || kept.server.is_leased(run).unwrap_or(true)
    }

    /// Whether another run may be alive on a server, or on this machine where the server cannot list leases: runs that
    /// share a folder of journals are of one project.
    pub(super) fn has_others(&self, kept: &Kept, left: &[Left]) -> bool {
        match kept.server.has_other_leases(&self.run) {
            Ok(Some(others)) => others,
            Ok(None) => left.iter().any(|one| one.held),
            Err(_) => true,
        }
    }

    pub(super) fn servers(&self) -> Vec<Arc<Kept>> {
        self.lock().servers.clone()
    }

    /// Our journal goes when each of its names is gone or marked, on every server, and none is on its way; and so do the
    /// leases.
    fn settle_own_journal(&self) {
        let is_settled = |kept: &Arc<Kept>| -> Result<bool> {
            let names = self.journal.names()?;
            Ok(names.is_empty() || collect::is_settled(&names, &kept.server.list()?))
        };
        let servers = self.servers();
        let nothing_left = self.change(|state| state.clones.is_empty() && state.builds.is_empty());
        let nothing_on_its_way = self.change(|state| state.unseen.is_empty());
        if nothing_on_its_way
            && servers.iter().filter(|kept| kept.lease.was_taken()).all(|kept| is_settled(kept).unwrap_or(false))
        {
            self.journal.remove();
        }
        if nothing_left {
            for kept in &servers {
                kept.lease.let_go();
            }
        }
    }
}

/// The names that dead runs wrote down, with their runs.
pub(super) fn dead_names(left: &[Left], is_alive: &dyn Fn(&str) -> bool) -> BTreeMap<DatabaseName, String> {
    let mut names = BTreeMap::new();
    for one in left {
        let written = one.names();
        if !written.is_empty() && !is_alive(&one.run) {
            names.extend(written.into_iter().map(|name| (name, one.run.clone())));
        }
    }
    names
}

pub(super) fn collected(dropped: &[(DatabaseName, String)]) -> Vec<Value> {
    dropped.iter().map(|(name, why)| json!({ "name": name.as_str(), "why": why })).collect()
}
