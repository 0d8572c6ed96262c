//! What may go, and why: the rules by which databases of dead runs and old templates are dropped.
//!
//! Only what is proven ours may go, and only when no living run may need it. Everything else stays, and the reason is
//! told to whoever asks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use engine::guard::DatabaseName;

use crate::error::Result;
use crate::marker::{Marker, Use};
use crate::server::{Found, Owned, Server};

/// The most that one run drops of what others left: enough to catch up with 16 workers that died twice, and few enough
/// to be done within the time of a clean-up at the 0.1 to 0.5 s that a DROP takes on a busy server.
pub const MOST: usize = 64;

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// How templates are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Only templates of this project are judged by age; those of others have settings of their own.
    pub project: String,
    /// The newest (by last use) that stay in any case.
    pub keep_templates: usize,
    /// Days without use after which the others go.
    pub keep_days: u64,
}

/// What is known besides what the server lists.
pub struct World<'a> {
    /// Unix seconds.
    pub now: u64,
    /// Our own run: what it made is dropped by other rules.
    pub own: &'a str,
    /// Whether a run may be alive; when in doubt, it is.
    pub is_alive: &'a dyn Fn(&str) -> bool,
    /// Whether a run other than ours may be alive on the server, whatever it has made there; when in doubt, it is.
    pub has_others: &'a dyn Fn() -> bool,
    /// Names that journals of dead runs wrote down, and the run of each.
    pub journalled: &'a BTreeMap<DatabaseName, String>,
}

/// What becomes of one database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The database.
    pub found: Found,
    /// The proof that it is ours, if it may go.
    pub proof: Option<Owned>,
    /// Why it goes or stays, for people.
    pub why: String,
}

/// Judges every database of a server; what goes comes first, the broken and the disposable before templates.
pub fn judge(found: Vec<Found>, world: &World<'_>, policy: &Policy) -> Vec<Judged> {
    let ranks = ranks(&found, world.now);
    let uses = uses(&found, world);
    let mut judged: Vec<Judged> = found
        .into_iter()
        .map(|found| {
            let rank = ranks.get(&found.name).copied();
            let (proof, why) = verdict(&found, rank, &uses, world, policy);
            Judged { found, proof, why }
        })
        .collect();
    judged.sort_by_key(|one| {
        let template = one.found.marker.as_ref().is_some_and(|marker| marker.kind == Use::Template);
        (one.proof.is_none(), !one.found.broken, template, one.found.name.clone())
    });
    judged
}

/// The place of each proven template among those of its project, the last used first.
fn ranks(found: &[Found], now: u64) -> BTreeMap<DatabaseName, usize> {
    let mut projects: BTreeMap<&str, Vec<(u64, u64, &DatabaseName)>> = BTreeMap::new();
    for one in found {
        if let (Some(marker), Ok(_)) = (template(one), one.prove()) {
            let used = (marker.used.min(now), marker.created.min(now), &one.name);
            projects.entry(&marker.project).or_default().push(used);
        }
    }
    let mut ranks = BTreeMap::new();
    for (_, mut templates) in projects {
        templates.sort_unstable_by(|one, other| other.cmp(one));
        ranks.extend(templates.into_iter().enumerate().map(|(rank, (_, _, name))| (name.clone(), rank)));
    }
    ranks
}

fn template(found: &Found) -> Option<&Marker> {
    found.marker.as_ref().filter(|marker| marker.kind == Use::Template)
}

/// What live runs other than ours show of themselves in marks.
struct Uses {
    /// Project and key of each template that one of them has made or copied.
    templates: BTreeSet<(String, String)>,
    /// Whether there is any such run.
    any: bool,
}

fn uses(found: &[Found], world: &World<'_>) -> Uses {
    let mut lives: BTreeMap<&str, bool> = BTreeMap::new();
    let mut uses = Uses { templates: BTreeSet::new(), any: false };
    for marker in found.iter().filter_map(|one| one.marker.as_ref()).filter(|marker| marker.run != world.own) {
        if *lives.entry(&marker.run).or_insert_with(|| (world.is_alive)(&marker.run)) {
            uses.templates.insert((marker.project.clone(), marker.key.clone()));
            uses.any = true;
        }
    }
    uses
}

/// Whether a run that shows nothing of itself yet may be about to copy a template: its mark says once a day that it is
/// used, so one whose mark is older than two days is used by nobody.
fn may_be_wanted(marker: &Marker, world: &World<'_>) -> bool {
    age(marker.used, world) < 2 * DAY && (world.has_others)()
}

fn verdict(
    found: &Found,
    rank: Option<usize>,
    uses: &Uses,
    world: &World<'_>,
    policy: &Policy,
) -> (Option<Owned>, String) {
    let Some(marker) = &found.marker else { return unmarked(found, world) };
    let proof = match found.prove() {
        Ok(proof) => proof,
        Err(error) => return (None, error.to_string()),
    };
    if marker.kind == Use::Template {
        return match why_template_stays(marker, rank, uses, world, policy) {
            Some(why) => (None, why),
            None => (Some(proof), format!("a template, last used {}", days_ago(marker, world))),
        };
    }
    if marker.run == world.own {
        return (None, "this run uses it".to_owned());
    }
    if (world.is_alive)(&marker.run) {
        return (None, format!("run {} may be alive", marker.run));
    }
    let what = if marker.kind == Use::Clone { "a clone" } else { "an unfinished template" };
    (Some(proof), format!("{what} that run {} left", marker.run))
}

fn unmarked(found: &Found, world: &World<'_>) -> (Option<Owned>, String) {
    let Some(run) = world.journalled.get(&found.name) else {
        return (None, "it has no mark of ours, and no journal names it".to_owned());
    };
    if run == world.own || (world.is_alive)(run) {
        return (None, format!("run {run} may be alive"));
    }
    match found.prove_by_journal(&found.name) {
        Ok(proof) => (Some(proof), format!("run {run} died while it made it")),
        Err(error) => (None, error.to_string()),
    }
}

fn why_template_stays(
    marker: &Marker,
    rank: Option<usize>,
    uses: &Uses,
    world: &World<'_>,
    policy: &Policy,
) -> Option<String> {
    if marker.project != policy.project {
        return Some(format!("a template of another project, {:?}", marker.project));
    }
    if rank.is_none_or(|rank| rank < policy.keep_templates) {
        return Some(format!("one of the {} templates that were used last", policy.keep_templates));
    }
    if age(marker.used, world) / DAY < policy.keep_days {
        return Some(format!("a template, last used {}", days_ago(marker, world)));
    }
    if uses.templates.contains(&(marker.project.clone(), marker.key.clone())) {
        return Some("a run that is going on uses it".to_owned());
    }
    let recent = age(marker.used, world) < 2 * DAY;
    (recent && uses.any || may_be_wanted(marker, world)).then(|| "a run is going on that may use it".to_owned())
}

fn days_ago(marker: &Marker, world: &World<'_>) -> String {
    match age(marker.used, world) / DAY {
        0 => "today".to_owned(),
        1 => "a day ago".to_owned(),
        days => format!("{days} days ago"),
    }
}

/// Seconds since a moment; one that is still to come, on a clock that goes wrong, counts as now.
fn age(moment: u64, world: &World<'_>) -> u64 {
    world.now.saturating_sub(moment)
}

/// Seconds since a database was made, as far as its mark says.
pub fn seconds_old(found: &Found, now: u64) -> Option<u64> {
    found.marker.as_ref().map(|marker| now.saturating_sub(marker.created))
}

/// What an execution did.
#[derive(Debug, Default)]
pub struct Collected {
    /// Name and reason of what was dropped.
    pub dropped: Vec<(DatabaseName, String)>,
    /// What could not be dropped, in words.
    pub failed: Vec<String>,
    /// Whether everything that may go has gone.
    pub complete: bool,
}

/// Drops what may go: at most [`MOST`], none after `until`, and each only if it is proven once more right before.
pub fn execute(server: &dyn Server, judged: &[Judged], world: &World<'_>, until: Instant) -> Collected {
    let mut collected = Collected { complete: true, ..Collected::default() };
    for one in judged.iter().filter(|one| one.proof.is_some()) {
        if collected.dropped.len() + collected.failed.len() >= MOST || Instant::now() >= until {
            collected.complete = false;
            break;
        }
        match drop_again_proven(server, one, world) {
            Ok(true) => collected.dropped.push((one.found.name.clone(), one.why.clone())),
            Ok(false) => {}
            Err(error) => {
                collected.complete = false;
                collected.failed.push(format!("{}: {error}", one.found.name));
            }
        }
    }
    collected
}

/// `false` = it is gone, or somebody has begun to use it since it was judged.
fn drop_again_proven(server: &dyn Server, judged: &Judged, world: &World<'_>) -> Result<bool> {
    let Some(found) = server.look(&judged.found.name)? else { return Ok(false) };
    if found.id != judged.found.id || found.marker != judged.found.marker {
        return Ok(false);
    }
    let proof = match &found.marker {
        Some(marker) if marker.kind == Use::Template && may_be_wanted(marker, world) => return Ok(false),
        Some(_) => found.prove()?,
        None if world.journalled.contains_key(&found.name) => found.prove_by_journal(&found.name)?,
        None => return Ok(false),
    };
    server.drop_database(&proof)?;
    Ok(true)
}

/// How long one drop may take before the rest is left to the next run: a DROP waits for a checkpoint, which takes up to
/// 14 s on a server that is busy with others.
pub const SLOW_DROP: Duration = Duration::from_secs(15);

/// Whether every name is settled: gone, or marked, so that no journal is needed to prove it.
pub fn is_settled(names: &BTreeSet<DatabaseName>, found: &[Found]) -> bool {
    !found.iter().any(|one| one.marker.is_none() && names.contains(&one.name))
}

#[cfg(test)]
#[path = "collect_tests.rs"]
mod tests;
