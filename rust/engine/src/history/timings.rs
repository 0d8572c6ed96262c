//! The history of a suite: node ids and shared set-ups with what was measured of each.

use std::collections::HashMap;
use std::collections::hash_map;

use super::entry::{Entry, FixtureEntry, Measurement};
use super::resolver::Resolver;
use super::seconds::Damaged;

/// What earlier runs measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timings {
    tests: HashMap<String, Entry>,
    fixtures: HashMap<String, FixtureEntry>,
}

impl Timings {
    /// Room for so many tests, so that a large file is read without growing.
    pub fn with_capacity(tests: usize) -> Self {
        Self { tests: HashMap::with_capacity(tests), fixtures: HashMap::new() }
    }

    /// How many tests are known.
    pub fn len(&self) -> usize {
        self.tests.len()
    }

    /// Whether nothing at all is known, neither of a test nor of a shared set-up.
    pub fn is_empty(&self) -> bool {
        self.tests.is_empty() && self.fixtures.is_empty()
    }

    /// What is known about a test.
    pub fn get(&self, nodeid: &str) -> Option<&Entry> {
        self.tests.get(nodeid)
    }

    /// What is known about a shared set-up.
    pub fn fixture(&self, key: &str) -> Option<&FixtureEntry> {
        self.fixtures.get(key)
    }

    /// Seconds that the test itself is thought to take; `None` when it was never seen.
    pub fn estimate(&self, nodeid: &str) -> Option<f64> {
        self.get(nodeid).map(|entry| entry.duration)
    }

    /// Seconds that a shared set-up is thought to take; `None` when it was never seen.
    pub fn fixture_cost(&self, key: &str) -> Option<f64> {
        self.fixture(key).map(|entry| entry.duration)
    }

    /// All tests, sorted by node id.
    pub fn tests(&self) -> Vec<(&str, &Entry)> {
        sorted(&self.tests)
    }

    /// All shared set-ups, sorted by key.
    pub fn fixtures(&self) -> Vec<(&str, &FixtureEntry)> {
        sorted(&self.fixtures)
    }

    /// Sets what is known about a test; the last word on a node id stands.
    pub fn insert(&mut self, nodeid: String, entry: Entry) -> Result<(), Damaged> {
        self.tests.insert(nodeid, entry.checked()?);
        Ok(())
    }

    /// Sets what is known about a shared set-up.
    pub fn insert_fixture(&mut self, key: String, entry: FixtureEntry) -> Result<(), Damaged> {
        self.fixtures.insert(key, entry.checked()?);
        Ok(())
    }

    /// Folds one run of a test in. A run that did not go as usual (failed, skipped, timed out, crashed) shows in the
    /// status and does not move the average; its duration stands only until there is a better one.
    pub fn record(&mut self, nodeid: &str, run: Measurement) -> Result<(), Damaged> {
        let run = Entry::from(run).checked()?;
        match self.tests.get_mut(nodeid) {
            Some(known) => known.fold(run),
            None => drop(self.tests.insert(nodeid.to_owned(), run)),
        }
        Ok(())
    }

    /// Folds one measurement of a shared set-up in: seconds, and when it was made in unix seconds.
    pub fn record_fixture(&mut self, key: &str, seconds: f64, timestamp: f64) -> Result<(), Damaged> {
        let run = FixtureEntry { duration: seconds, runs: 1, timestamp: Some(timestamp) }.checked()?;
        match self.fixtures.get_mut(key) {
            Some(known) => known.fold(&run),
            None => drop(self.fixtures.insert(key.to_owned(), run)),
        }
        Ok(())
    }

    /// Takes in what another history knows: the newer timestamp wins, an undated entry only fills a gap.
    pub fn merge(&mut self, other: Self) {
        for (nodeid, entry) in other.tests {
            self.merge_test(nodeid, entry);
        }
        for (key, entry) in other.fixtures {
            put_newer(&mut self.fixtures, key, entry, |entry| entry.timestamp);
        }
    }

    /// Takes in one test of another history, by the rule of [`Timings::merge`].
    pub fn merge_test(&mut self, nodeid: String, entry: Entry) {
        put_newer(&mut self.tests, nodeid, entry, |entry| entry.timestamp);
    }

    /// Drops the tests for which `keep` is false.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &Entry) -> bool) {
        self.tests.retain(|nodeid, entry| keep(nodeid, entry));
    }

    /// Drops every test and set-up last measured before this moment (unix seconds). Undated ones stay: nobody knows how
    /// old they are.
    pub fn prune(&mut self, before: f64) {
        let recent = |timestamp: Option<f64>| timestamp.is_none_or(|at| at >= before);
        self.tests.retain(|_, entry| recent(entry.timestamp));
        self.fixtures.retain(|_, entry| recent(entry.timestamp));
    }

    /// Drops the tests seen longest ago, undated ones first, until at most `limit` are left.
    pub fn keep_newest(&mut self, limit: usize) {
        let Some(surplus) = self.len().checked_sub(limit).filter(|surplus| *surplus > 0) else { return };
        let mut ages: Vec<_> = self.tests.iter().map(|(nodeid, entry)| (entry.timestamp, nodeid.clone())).collect();
        ages.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(std::cmp::Ordering::Equal).then_with(|| a.1.cmp(&b.1)));
        for (_, nodeid) in ages.into_iter().take(surplus) {
            self.tests.remove(&nodeid);
        }
    }

    /// Gives dotted ids (`module.Class.method`, from unittest and `--junit-xml`) the node ids that were collected. An id
    /// that fits no test, or several, stays as it is.
    pub fn resolve(&mut self, resolver: &Resolver<'_>) {
        let dotted: Vec<_> = self.tests.keys().filter_map(|id| Some((id.clone(), resolver.resolve(id)?))).collect();
        for (id, nodeid) in dotted {
            if let Some(entry) = self.tests.remove(&id) {
                self.merge_test(nodeid.to_owned(), entry);
            }
        }
    }
}

fn sorted<V>(map: &HashMap<String, V>) -> Vec<(&str, &V)> {
    let mut items: Vec<_> = map.iter().map(|(key, value)| (key.as_str(), value)).collect();
    items.sort_unstable_by_key(|(key, _)| *key);
    items
}

fn put_newer<V>(map: &mut HashMap<String, V>, key: String, value: V, timestamp: impl Fn(&V) -> Option<f64>) {
    match map.entry(key) {
        hash_map::Entry::Vacant(gap) => drop(gap.insert(value)),
        hash_map::Entry::Occupied(mut known) => {
            // `None` is less than any time, so an undated value never wins.
            if timestamp(&value) > timestamp(known.get()) {
                known.insert(value);
            }
        }
    }
}

#[cfg(test)]
#[path = "timings_tests.rs"]
mod tests;
