//! The history that one run begins with, and what it adds.

use std::path::{Path, PathBuf};

use engine::history::{Damaged, Measurement, Resolver, Timings};

use super::error::{SetAside, StoreError};
use super::format::Format;

/// What is known before a run, from our cache and from files that the user named, and what this run measures.
#[derive(Debug, Default)]
pub struct History {
    cache: Option<PathBuf>,
    known: Timings,
    imported: Timings,
    tests: Vec<(String, Measurement)>,
    fixtures: Vec<(String, f64, f64)>,
}

impl History {
    /// Begins with the cache file; without one, nothing is kept after the run. The second value says that the cache could
    /// not be read and was set aside.
    pub fn open(cache: Option<PathBuf>) -> (Self, Option<SetAside>) {
        let (known, set_aside) = cache.as_deref().map(super::read_cache).unwrap_or_default();
        (Self { cache, known, ..Self::default() }, set_aside)
    }

    /// Adds a file that the user named; gives how many of its values were refused. The newer timestamp wins, undated
    /// entries only fill gaps.
    pub fn import(&mut self, path: &Path) -> Result<usize, StoreError> {
        let loaded = super::read(path)?;
        self.known.merge(loaded.timings.clone());
        self.imported.merge(loaded.timings);
        Ok(loaded.refused)
    }

    /// Gives dotted ids the node ids that were collected.
    pub fn resolve<'a>(&mut self, nodeids: impl IntoIterator<Item = &'a str>) {
        let resolver = Resolver::new(nodeids);
        self.known.resolve(&resolver);
        self.imported.resolve(&resolver);
    }

    /// What is known now: the cache, the imports and what was recorded.
    pub fn known(&self) -> &Timings {
        &self.known
    }

    /// What the named files say, and nothing else: the same on every machine that reads the same files.
    pub fn imported(&self) -> &Timings {
        &self.imported
    }

    /// Notes what became of a test.
    pub fn record(&mut self, nodeid: &str, run: Measurement) -> Result<(), Damaged> {
        self.known.record(nodeid, run.clone())?;
        self.tests.push((nodeid.to_owned(), run));
        Ok(())
    }

    /// Notes how many seconds a shared set-up took, and when (unix seconds).
    pub fn record_fixture(&mut self, key: &str, seconds: f64, timestamp: f64) -> Result<(), Damaged> {
        self.known.record_fixture(key, seconds, timestamp)?;
        self.fixtures.push((key.to_owned(), seconds, timestamp));
        Ok(())
    }

    /// Writes the cache. What this run measured is folded into what the file says by now, so that runs at once add to
    /// each other.
    pub fn save(&self) -> Result<Option<SetAside>, StoreError> {
        match &self.cache {
            Some(path) if self.has_news() => super::update_cache(path, |timings| self.add_news(timings)),
            _ => Ok(None),
        }
    }

    /// Writes the tests and shared set-ups of this run over what was imported.
    pub fn export(&self, path: &Path, format: Option<Format>) -> Result<(), StoreError> {
        let mut exported = self.imported.clone();
        for (nodeid, _) in &self.tests {
            if let Some(entry) = self.known.get(nodeid) {
                // Only checked entries are known, so none is refused.
                let _ = exported.insert(nodeid.clone(), entry.clone());
            }
        }
        for (key, ..) in &self.fixtures {
            if let Some(entry) = self.known.fixture(key) {
                let _ = exported.insert_fixture(key.clone(), entry.clone());
            }
        }
        super::write(path, &exported, format)
    }

    fn has_news(&self) -> bool {
        !self.tests.is_empty() || !self.fixtures.is_empty()
    }

    fn add_news(&self, timings: &mut Timings) {
        for (nodeid, run) in &self.tests {
            if let Some(imported) = self.imported.get(nodeid) {
                timings.merge_test(nodeid.clone(), imported.clone());
            }
            // Checked when it was recorded.
            let _ = timings.record(nodeid, run.clone());
        }
        for (key, seconds, timestamp) in &self.fixtures {
            let _ = timings.record_fixture(key, *seconds, *timestamp);
        }
    }
}
