//! Workers that made room, were tried again, or were more or fewer.

use engine::{RecycleCause, RetryCause};

use super::{Recycled, Retries, Scaling, Summary};
use crate::record::{Record, What};
use crate::units::counted;

/// What has been counted so far.
#[derive(Debug, Default)]
pub(super) struct Turnover {
    pub(super) recycled: Recycled,
    pub(super) retries: Retries,
    scaling: Option<Scaling>,
    /// How many workers there are to be now, since when, and the sum of workers × seconds before.
    workers: u32,
    since: f64,
    stood: f64,
    began: f64,
}

impl Turnover {
    pub(super) fn add(&mut self, record: &Record) {
        match &record.what {
            What::RunStarted(run) => {
                (self.began, self.since) = (record.time, record.time);
                self.workers = run.first_workers.unwrap_or(run.workers);
                self.scaling = run.first_workers.map(|first| Scaling { first, most: first, ..Scaling::default() });
            }
            What::WorkerRecycled { cause: RecycleCause::Tests, .. } => self.recycled.tests += 1,
            What::WorkerRecycled { cause: RecycleCause::Memory, .. } => self.recycled.memory += 1,
            What::WorkerRetried { cause: RetryCause::Start, .. } => self.retries.start += 1,
            What::WorkerRetried { cause: RetryCause::Killed, .. } => self.retries.killed += 1,
            What::WorkerGivenUp { .. } => self.retries.given_up += 1,
            What::WorkersScaled { workers, .. } => self.scaled(record.time, *workers),
            _ => {}
        }
    }

    /// How the number moved until the run ended.
    pub(super) fn scaling(&self, ended: f64) -> Option<Scaling> {
        let stood = self.stood + (ended - self.since) * f64::from(self.workers);
        let wall = ended - self.began;
        let average = if wall > 0.0 { stood / wall } else { f64::from(self.workers) };
        self.scaling.map(|scaling| Scaling { average, ..scaling })
    }

    fn scaled(&mut self, now: f64, workers: u32) {
        self.stood += (now - self.since) * f64::from(self.workers);
        let Some(scaling) = &mut self.scaling else { return };
        scaling.most = scaling.most.max(workers);
        scaling.grown += u32::from(workers > self.workers);
        scaling.shrunk += u32::from(workers < self.workers);
        (self.workers, self.since) = (workers, now);
    }
}

/// Lines for what happened at all.
pub(super) fn rows(summary: &Summary) -> Vec<(&'static str, String)> {
    let Summary { scaling, recycled, retries, .. } = summary;
    let scaled = scaling.map(|scaling| ("Dynamic scaling", scaled(&scaling)));
    let recycled = (recycled.tests + recycled.memory > 0).then(|| ("Workers recycled", recycled_row(*recycled)));
    let retried =
        (retries.start + retries.killed + retries.given_up > 0).then(|| ("Worker retries", retried(*retries)));
    [scaled, recycled, retried].into_iter().flatten().collect()
}

fn scaled(scaling: &Scaling) -> String {
    let Scaling { first, most, average, grown, shrunk } = scaling;
    format!("{first} at first, {most} at most, {average:.1} on average, {grown} × more, {shrunk} × fewer")
}

fn recycled_row(recycled: Recycled) -> String {
    let all = recycled.tests + recycled.memory;
    format!("{all} ({} after so many tests, {} for memory)", recycled.tests, recycled.memory)
}

fn retried(retries: Retries) -> String {
    let given_up = match retries.given_up {
        0 => String::new(),
        slots => format!(", {} given up", counted(slots as usize, "slot")),
    };
    let all = retries.start + retries.killed;
    format!("{all} ({} did not start, {} killed between tests){given_up}", retries.start, retries.killed)
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "sums of halves are exact")]
mod tests {
    use engine::ScaleCause;

    use super::super::{samples::*, summarise};
    use super::*;
    use crate::record::RunStarted;

    fn at(time: f64, what: What) -> Record {
        Record { time, what }
    }

    fn scaled_to(time: f64, workers: u32, cause: ScaleCause) -> Record {
        at(time, What::WorkersScaled { workers, cause })
    }

    /// A run with two workers at first: four from second 1 on, three from second 3 on, over at second 4.
    fn scaled_run() -> Vec<Record> {
        let mut start = run_started(16);
        if let What::RunStarted(RunStarted { first_workers, .. }) = &mut start.what {
            *first_workers = Some(2);
        }
        let changes = [scaled_to(1.0, 4, ScaleCause::Idle), scaled_to(3.0, 3, ScaleCause::Memory)];
        [start].into_iter().chain(changes).chain([run_finished(4.0)]).collect()
    }

    #[test]
    fn average_counts_every_worker_for_its_time() {
        let scaling = summarise(&scaled_run()).summary.scaling.unwrap();
        assert_eq!(scaling, Scaling { first: 2, most: 4, average: 3.25, grown: 1, shrunk: 1 });
    }

    #[test]
    fn scaled_run_used_as_many_as_stood_at_once() {
        assert_eq!(summarise(&scaled_run()).summary.workers, 4);
    }

    #[test]
    fn what_never_happened_is_not_told() {
        assert_eq!(rows(&summarise(&two_workers()).summary), []);
    }

    #[test]
    fn what_happened_is_told_by_its_reason() {
        let mut records = scaled_run();
        let worker: std::sync::Arc<str> = "gw0".into();
        let recycled = |cause| What::WorkerRecycled { worker: worker.clone(), cause, tests: 1, memory: None };
        let retried = |cause| What::WorkerRetried { worker: worker.clone(), cause, attempt: 1, delay: 1.0 };
        let whats = [
            recycled(RecycleCause::Tests),
            recycled(RecycleCause::Memory),
            recycled(RecycleCause::Memory),
            retried(RetryCause::Start),
            retried(RetryCause::Killed),
            What::WorkerGivenUp { worker: worker.clone(), cause: RetryCause::Start, attempts: 2 },
        ];
        records.extend(whats.map(|what| at(3.5, what)));
        let expected = [
            ("Dynamic scaling", "2 at first, 4 at most, 3.2 on average, 1 × more, 1 × fewer".to_owned()),
            ("Workers recycled", "3 (1 after so many tests, 2 for memory)".to_owned()),
            ("Worker retries", "2 (1 did not start, 1 killed between tests), 1 slot given up".to_owned()),
        ];
        assert_eq!(rows(&summarise(&records).summary), expected);
    }
}
