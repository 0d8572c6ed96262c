//! `_engine.Plan`: the collected tests as the engine sees them.
#![expect(clippy::needless_pass_by_value, reason = "PyO3 hands over lists as owned values")]

use std::collections::HashMap;
use std::time::Duration;

use engine::{Fixture, FixtureId, GroupId, ModuleId, ResourceId, Suite, Test, TestId, TestLimit};
use host::supervisor::Names;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

/// The collected tests and what they share. Built by the controller before the zygote is forked; used up by the
/// supervisor.
#[pyclass(module = "pytest_concurrent._engine")]
pub(crate) struct Plan {
    suite: Option<Suite>,
    names: Names,
    resources: HashMap<String, ResourceId>,
    groups: HashMap<(String, String), GroupId>,
}

#[pymethods]
impl Plan {
    /// Tests in collection order: node ids, module numbers, and estimates in seconds (`None` = unknown).
    #[new]
    fn new(nodeids: Vec<String>, modules: Vec<u32>, estimates: Vec<Option<f64>>) -> PyResult<Self> {
        if nodeids.len() != modules.len() || nodeids.len() != estimates.len() {
            return Err(PyValueError::new_err("node ids, modules and estimates must be of one length"));
        }
        let tests = modules.iter().zip(&estimates).map(|(module, estimate)| plain_test(*module, *estimate)).collect();
        let names = Names {
            groups: vec![None; nodeids.len()],
            tests: nodeids.into_iter().map(Into::into).collect(),
            fixtures: Vec::new(),
            estimates,
        };
        let suite = Suite { tests, ..Suite::default() };
        Ok(Self { suite: Some(suite), names, resources: HashMap::new(), groups: HashMap::new() })
    }

    /// Adds a shared set-up and returns its number: its key, the seconds it took when last measured, and whether each
    /// worker pays for it once however tests are spread (session scope).
    fn add_fixture(&mut self, key: &str, cost: Option<f64>, session: bool) -> PyResult<u32> {
        let suite = self.suite()?;
        suite.fixtures.push(Fixture { cost, session });
        let number = suite.fixtures.len() as u32 - 1;
        self.names.fixtures.push(key.into());
        Ok(number)
    }

    /// The test needs these shared set-ups, widest scope first.
    fn set_fixtures(&mut self, test: u32, fixtures: Vec<u32>) -> PyResult<()> {
        let known = self.names.fixtures.len();
        if fixtures.iter().any(|fixture| *fixture as usize >= known) {
            return Err(PyValueError::new_err("a fixture was not added"));
        }
        self.test(test)?.fixtures = fixtures.into_iter().map(FixtureId).collect();
        Ok(())
    }

    /// The test belongs to a group that is never split. Groups of different kinds (`mark`, `class`, `file`) may have one
    /// name.
    fn set_group(&mut self, test: u32, kind: &str, name: &str) -> PyResult<()> {
        let next = GroupId(self.groups.len() as u32);
        let group = *self.groups.entry((kind.to_owned(), name.to_owned())).or_insert(next);
        self.test(test)?.group = Some(group);
        self.names.groups[test as usize] = Some(name.into());
        Ok(())
    }

    /// The test is handed out after those of earlier turns; the first is 0.
    fn set_turn(&mut self, test: u32, turn: u8) -> PyResult<()> {
        self.test(test)?.turn = turn;
        Ok(())
    }

    /// The test runs while nothing else runs.
    fn set_serial(&mut self, test: u32) -> PyResult<()> {
        self.test(test)?.serial = true;
        Ok(())
    }

    /// The test holds the resource, of which there are so many, while it runs.
    fn add_resource(&mut self, test: u32, name: &str, slots: u32) -> PyResult<()> {
        let next = ResourceId(self.resources.len() as u32);
        let resource = *self.resources.entry(name.to_owned()).or_insert(next);
        let suite = self.suite()?;
        if resource.index() == suite.resources.len() {
            suite.resources.push(slots.max(1));
        }
        self.test(test)?.resources.push(resource);
        Ok(())
    }

    /// The test's own limit in seconds, in place of the run's for tests; `with_shared` if shared set-ups count.
    #[pyo3(signature = (test, seconds, *, with_shared))]
    fn set_limit(&mut self, test: u32, seconds: f64, with_shared: bool) -> PyResult<()> {
        self.test(test)?.limit = Some(TestLimit { time: duration(seconds)?, with_shared });
        Ok(())
    }

    /// Which tests, by number, belong to part `index` (from 1) of `count`: whole groups, the same split on every
    /// machine that is given the same tests and estimates; with a digest of what the split came from.
    fn shard(&mut self, index: u32, count: u32) -> PyResult<(Vec<u32>, String)> {
        let digest = self.digest();
        let suite = self.suite()?;
        let groups = engine::schedule::groups(suite);
        let weights: Vec<f64> = groups.iter().map(|group| weight(suite, group)).collect();
        let parts = engine::schedule::shard(&weights, count);
        let mut kept: Vec<u32> = groups
            .iter()
            .zip(parts)
            .filter(|(_, part)| part + 1 == index)
            .flat_map(|(group, _)| group.iter().map(|test| test.0))
            .collect();
        kept.sort_unstable();
        Ok((kept, digest))
    }

    /// How many groups could run side by side at most.
    #[getter]
    fn group_count(&mut self) -> PyResult<usize> {
        Ok(engine::schedule::groups(self.suite()?).len())
    }
}

impl Plan {
    /// Hands over what the supervisor needs; the plan is empty afterwards.
    pub(crate) fn consume(&mut self) -> PyResult<(Suite, Names)> {
        let suite = self.suite.take().ok_or_else(used_up)?;
        Ok((suite, std::mem::take(&mut self.names)))
    }

    /// Two machines that print the same digest were given the same tests and estimates.
    fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (nodeid, estimate) in self.names.tests.iter().zip(&self.names.estimates) {
            hasher.update(nodeid.as_bytes());
            hasher.update(&estimate.unwrap_or(-1.0).to_le_bytes());
        }
        hasher.finalize().to_hex()[..12].to_owned()
    }

    fn suite(&mut self) -> PyResult<&mut Suite> {
        self.suite.as_mut().ok_or_else(used_up)
    }

    fn test(&mut self, test: u32) -> PyResult<&mut Test> {
        self.suite()?.tests.get_mut(test as usize).ok_or_else(|| PyValueError::new_err(format!("no test {test}")))
    }
}

/// A finite, not negative number of seconds.
pub(crate) fn duration(seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|error| PyValueError::new_err(format!("{seconds}: {error}")))
}

fn plain_test(module: u32, estimate: Option<f64>) -> Test {
    Test {
        module: ModuleId(module),
        estimate,
        turn: 0,
        fixtures: Vec::new(),
        group: None,
        serial: false,
        resources: Vec::new(),
        limit: None,
    }
}

fn weight(suite: &Suite, group: &[TestId]) -> f64 {
    group.iter().map(|test| suite.tests[test.index()].estimate.unwrap_or(1.0)).sum()
}

fn used_up() -> PyErr {
    PyRuntimeError::new_err("this plan was already handed to a supervisor")
}
