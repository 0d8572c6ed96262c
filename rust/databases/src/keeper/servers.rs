//! The servers of a run, each with the lease that says that the run is alive.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::lease::Lease;
use super::request::{Answer, Refusal};
use super::{Keeper, opening};
use crate::server::{Facts, Server};
use crate::session::Connector;
use crate::target::{Target, Vendor};

/// A server that the run uses.
pub(super) struct Kept {
    pub(super) number: usize,
    pub(super) server: Arc<dyn Server>,
    pub(super) vendor: String,
    /// What proves which server it is; journals name it.
    pub(super) identity: String,
    /// How it was asked for; `None` = it is borrowed.
    target: Option<Target>,
    pub(super) lease: Lease,
}

impl Kept {
    fn new(number: usize, server: Arc<dyn Server>, facts: (&str, String), target: Option<Target>) -> Self {
        let (vendor, identity) = facts;
        Self { number, server, vendor: vendor.to_owned(), identity, target, lease: Lease::new() }
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
}

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
            self.lease(&kept)?;
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
