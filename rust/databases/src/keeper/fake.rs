//! A server in memory, whose failures tests order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::guard::DatabaseName;

use crate::error::{DatabaseError, Result};
use crate::marker::Marker;
use crate::server::{Capacity, Facts, Found, Held, Made, Owned, Restored, Server};

/// What is on it.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an order of its own")]
pub(super) struct Inside {
    pub(super) databases: BTreeMap<DatabaseName, Found>,
    pub(super) dropped: Vec<DatabaseName>,
    pub(super) leases: BTreeSet<String>,
    pub(super) locks: BTreeSet<String>,
    /// What the next clones and restores fail with.
    pub(super) failures: VecDeque<DatabaseError>,
    /// No clone is finished while it is set.
    pub(super) gate: bool,
    /// How many clones wait at the gate.
    pub(super) at_gate: usize,
    pub(super) panics: bool,
    pub(super) restores_in_place: bool,
    /// Nobody can connect.
    pub(super) is_away: bool,
    /// How often somebody tried while it was away.
    pub(super) knocks: usize,
    /// What the next leases fail with.
    pub(super) lease_failures: VecDeque<DatabaseError>,
    /// What each database was copied from.
    pub(super) sources: BTreeMap<DatabaseName, DatabaseName>,
    last_id: u32,
}

#[derive(Default)]
struct Shared {
    inside: Mutex<Inside>,
    changed: Condvar,
}

/// A handle to it.
#[derive(Clone, Default)]
pub(super) struct Fake(Arc<Shared>);

impl Fake {
    pub(super) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change<T>(&self, act: impl FnOnce(&mut Inside) -> T) -> T {
        let result = act(&mut self.inside());
        self.0.changed.notify_all();
        result
    }

    /// Waits until something is so; a test that waits in vain fails.
    pub(super) fn until(&self, is_so: impl Fn(&Inside) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        let mut inside = self.inside();
        while !is_so(&inside) {
            assert!(Instant::now() < end, "it never came to be so");
            inside = self.0.changed.wait_timeout(inside, Duration::from_millis(100)).unwrap().0;
        }
    }

    pub(super) fn put(&self, name: &DatabaseName, marker: Option<Marker>) {
        let found = Found {
            name: name.clone(),
            id: marker.as_ref().map_or_else(|| "0".to_owned(), |marker| marker.id.clone()),
            marker,
            owned: true,
            size: 1,
            sessions: 2,
            broken: false,
        };
        self.change(|inside| inside.databases.insert(name.clone(), found));
    }

    fn reach(&self) -> Result<()> {
        let mut inside = self.inside();
        if !inside.is_away {
            return Ok(());
        }
        inside.knocks += 1;
        Err(DatabaseError::Unreachable { place: "fake".to_owned(), reason: "it is away".to_owned() })
    }

    fn pass_gate(&self) {
        let mut inside = self.inside();
        inside.at_gate += 1;
        self.0.changed.notify_all();
        while inside.gate {
            inside = self.0.changed.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
        inside.at_gate -= 1;
    }
}

/// A lease or a lock, let go of when dropped.
struct Grip {
    fake: Fake,
    run: Option<String>,
    key: Option<String>,
}

impl Held for Grip {
    fn is_held(&mut self) -> bool {
        self.run.as_ref().is_none_or(|run| self.fake.inside().leases.contains(run))
    }
}

impl Drop for Grip {
    fn drop(&mut self) {
        let (run, key) = (self.run.take(), self.key.take());
        self.fake.change(|inside| {
            run.map(|run| inside.leases.remove(&run));
            key.map(|key| inside.locks.remove(&key));
        });
    }
}

impl Server for Fake {
    fn facts(&self) -> Result<Facts> {
        Ok(Facts {
            vendor: "postgresql",
            version: "18".into(),
            identity: "fake".into(),
            may_create: true,
            grant: String::new(),
            capacity: Capacity { limit: 100, reserved: 3, used: 1 },
        })
    }

    fn list(&self) -> Result<Vec<Found>> {
        Ok(self.inside().databases.values().cloned().collect())
    }

    fn look(&self, name: &DatabaseName) -> Result<Option<Found>> {
        self.reach()?;
        Ok(self.inside().databases.get(name).cloned())
    }

    fn create(&self, name: &DatabaseName) -> Result<()> {
        self.put(name, None);
        self.change(|inside| {
            inside.last_id += 1;
            let id = inside.last_id.to_string();
            inside.databases.get_mut(name).unwrap().id = id;
        });
        Ok(())
    }

    fn mark(&self, name: &DatabaseName, marker: &dyn Fn(&str) -> Marker) -> Result<()> {
        self.change(|inside| {
            let found = inside.databases.get_mut(name).ok_or_else(|| DatabaseError::Missing(name.to_string()))?;
            found.marker = Some(marker(&found.id));
            Ok(())
        })
    }

    fn seal(&self, name: &DatabaseName, marker: &dyn Fn(&str) -> Marker) -> Result<()> {
        self.mark(name, marker)
    }

    fn clone_template(
        &self,
        template: &DatabaseName,
        clone: &DatabaseName,
        marker: &dyn Fn(&str) -> Marker,
    ) -> Result<Made> {
        assert!(!self.inside().panics, "ordered by the test");
        self.look(template)?.ok_or_else(|| DatabaseError::Missing(template.to_string()))?;
        self.pass_gate();
        if let Some(failure) = self.change(|inside| inside.failures.pop_front()) {
            return Err(failure);
        }
        self.create(clone)?;
        self.change(|inside| inside.sources.insert(clone.clone(), template.clone()));
        self.mark(clone, marker)?;
        let identity = self.inside().databases[clone].id.clone();
        Ok(Made { name: clone.clone(), identity, path: None })
    }

    fn restore(&self, _template: &DatabaseName, clone: &DatabaseName) -> Result<Restored> {
        self.look(clone)?.ok_or_else(|| DatabaseError::Missing(clone.to_string()))?;
        if let Some(failure) = self.change(|inside| inside.failures.pop_front()) {
            return Err(failure);
        }
        Ok(if self.inside().restores_in_place { Restored::InPlace } else { Restored::UseAnother })
    }

    fn end_sessions(&self, owned: &Owned) -> Result<u32> {
        Ok(self.change(|inside| {
            inside.databases.get_mut(owned.name()).map_or(0, |found| std::mem::take(&mut found.sessions))
        }))
    }

    fn drop_database(&self, owned: &Owned) -> Result<()> {
        self.change(|inside| {
            inside.databases.remove(owned.name());
            inside.dropped.push(owned.name().clone());
        });
        Ok(())
    }

    fn lock(&self, key: &str, wait: Duration) -> Result<Option<Box<dyn Held>>> {
        let end = Instant::now() + wait;
        let mut inside = self.inside();
        while !inside.locks.insert(key.to_owned()) {
            let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return Ok(None);
            };
            inside = self.0.changed.wait_timeout(inside, left).unwrap().0;
        }
        Ok(Some(Box::new(Grip { fake: self.clone(), run: None, key: Some(key.to_owned()) })))
    }

    fn lease(&self, run: &str) -> Result<Box<dyn Held>> {
        self.reach()?;
        if let Some(failure) = self.change(|inside| inside.lease_failures.pop_front()) {
            return Err(failure);
        }
        self.change(|inside| inside.leases.insert(run.to_owned()));
        Ok(Box::new(Grip { fake: self.clone(), run: Some(run.to_owned()), key: None }))
    }

    fn is_leased(&self, run: &str) -> Result<bool> {
        Ok(self.inside().leases.contains(run))
    }

    fn has_other_leases(&self, own: &str) -> Result<Option<bool>> {
        Ok(Some(self.inside().leases.iter().any(|run| run != own)))
    }

    fn dump(&self, _template: &DatabaseName, _file: &Path) -> Result<()> {
        Err(DatabaseError::Unsupported("it has a tool of its own".into()))
    }

    fn load(&self, _name: &DatabaseName, _file: &Path) -> Result<()> {
        Err(DatabaseError::Unsupported("it has a tool of its own".into()))
    }
}
