//! The servers of a run, each with the lease that says that the run is alive.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::request::{Answer, Refusal};
use super::{Keeper, opening};
use crate::error::{DatabaseError, Result};
use crate::server::{Facts, Held, Server};
use crate::session::Connector;
use crate::target::{Target, Vendor};

/// How long a lease that was seen is believed to be held: looking again costs a round trip.
const BELIEVED: Duration = Duration::from_secs(1);

/// A server that the run uses.
pub(super) struct Kept {
    pub(super) number: usize,
    pub(super) server: Arc<dyn Server>,
    pub(super) vendor: String,
    /// What proves which server it is; journals name it.
    pub(super) identity: String,
    /// How it was asked for; `None` = it is borrowed.
    target: Option<Target>,
    lease: Mutex<Lease>,
}

enum Lease {
    /// Nothing was made there yet.
    Untaken,
    Held(Box<dyn Held>, Instant),
    /// It was held and is not any more: others may think that the run is dead.
    Lost,
}

impl Kept {
    fn new(number: usize, server: Arc<dyn Server>, facts: (&str, String), target: Option<Target>) -> Self {
        let (vendor, identity) = facts;
        Self { number, server, vendor: vendor.to_owned(), identity, target, lease: Mutex::new(Lease::Untaken) }
    }

    /// SQLite in memory: clients copy the template themselves, so clones are not made.
    pub(super) fn hands_out_templates(&self) -> bool {
        self.target.as_ref().is_some_and(|target| target.vendor == Vendor::Sqlite && target.clones.is_none())
    }

    /// Where a template of SQLite is.
    pub(super) fn template_path(&self, name: &str) -> Option<PathBuf> {
        let folder = self.target.as_ref()?.templates.as_ref()?;
        Some(folder.canonicalize().ok()?.join(format!("{name}.sqlite3")))
    }

    /// Makes sure that others see that the run is alive, before anything is made.
    ///
    /// # Errors
    /// The lease was lost. It is not taken again: what others dropped meanwhile would not be noticed.
    pub(super) fn ensure_lease(&self, run: &str) -> Result<()> {
        let mut lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *lease {
            Lease::Untaken => *lease = Lease::Held(self.server.lease(run)?, Instant::now()),
            Lease::Held(_, seen) if seen.elapsed() < BELIEVED => {}
            Lease::Held(held, seen) => {
                if held.is_held() {
                    *seen = Instant::now();
                } else {
                    *lease = Lease::Lost;
                }
            }
            Lease::Lost => {}
        }
        if matches!(*lease, Lease::Lost) { Err(DatabaseError::Unsupported(LOST.to_owned())) } else { Ok(()) }
    }

    /// Whether it is certain that nobody takes us for dead.
    pub(super) fn is_leased(&self) -> bool {
        match &mut *self.lease.lock().unwrap_or_else(PoisonError::into_inner) {
            Lease::Untaken | Lease::Lost => false,
            Lease::Held(held, _) => held.is_held(),
        }
    }

    /// Whether anything can have been made there.
    pub(super) fn was_used(&self) -> bool {
        !matches!(*self.lease.lock().unwrap_or_else(PoisonError::into_inner), Lease::Untaken)
    }

    /// Lets go of the lease: everything is dropped.
    pub(super) fn let_go(&self) {
        *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = Lease::Untaken;
    }
}

/// What is said where a lease was lost.
const LOST: &str = "the connection that says that this run is alive was lost (the server was restarted?), so no \
                    database is made there any more";

impl Keeper {
    pub(super) fn open(&self, target: Target) -> Answer {
        let known = self.lock().servers.iter().find(|kept| kept.target.as_ref() == Some(&target)).cloned();
        if let Some(kept) = known {
            return Ok(facts_of(kept.number, &kept.server.facts()?));
        }
        let server = (self.opener)(target.clone())?;
        let facts = server.facts()?;
        let kept = self.change(|state| {
            let number = state.servers.len();
            let about = (facts.vendor, facts.identity.clone());
            state.servers.push(Arc::new(Kept::new(number, server, about, Some(target))));
            Arc::clone(&state.servers[number])
        });
        if facts.may_create {
            kept.ensure_lease(&self.run)?;
        }
        Ok(facts_of(kept.number, &facts))
    }

    /// Adds a server that is reached through a client. It is asked for nothing yet: the client does not listen before
    /// it has the answer.
    pub(super) fn borrow(&self, vendor: Vendor, identity: &str, connector: Box<dyn Connector>) -> Answer {
        let server = opening::borrow(vendor, connector)?;
        let vendor = match vendor {
            Vendor::Postgresql => "postgresql",
            Vendor::Mysql => "mysql",
            Vendor::Sqlite => "sqlite",
        };
        let number = self.change(|state| {
            let number = state.servers.len();
            state.servers.push(Arc::new(Kept::new(number, server, (vendor, identity.to_owned()), None)));
            number
        });
        Ok(json!({ "server": number, "vendor": vendor, "identity": identity }))
    }

    pub(super) fn server(&self, number: usize) -> Result<Arc<Kept>, Refusal> {
        self.lock().servers.get(number).cloned().ok_or_else(|| Refusal::invalid(format!("there is no server {number}")))
    }

    /// A server on which something is to be made.
    pub(super) fn leased(&self, number: usize) -> Result<Arc<Kept>, Refusal> {
        let kept = self.server(number)?;
        self.lease(&kept)?;
        Ok(kept)
    }

    pub(super) fn lease(&self, kept: &Kept) -> Result<()> {
        kept.ensure_lease(&self.run).inspect_err(|error| {
            if matches!(error, DatabaseError::Unsupported(_)) {
                self.change(|state| state.note(format!("{}: {LOST}", kept.identity)));
            }
        })
    }
}

fn facts_of(number: usize, facts: &Facts) -> Value {
    json!({
        "server": number,
        "vendor": facts.vendor,
        "version": facts.version,
        "identity": facts.identity,
        "may_create": facts.may_create,
        "grant": facts.grant,
        "capacity": {
            "limit": facts.capacity.limit,
            "reserved": facts.capacity.reserved,
            "used": facts.capacity.used,
        },
    })
}
