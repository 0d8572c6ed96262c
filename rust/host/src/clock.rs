//! The one clock of a run.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Time since the run began. Nobody else reads a clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
    wall: f64,
}

impl Clock {
    /// A run that began `ago` seconds before now.
    pub fn started(ago: Duration) -> Self {
        let now = Instant::now();
        Self { began: now.checked_sub(ago).unwrap_or(now), wall: unix_now() - ago.as_secs_f64() }
    }

    /// How long the run has lasted.
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// When the run began, in seconds since 1970 (the wall clock's opinion at its start).
    pub fn wall(&self) -> f64 {
        self.wall
    }

    /// A wall-clock time as seconds since the run began; never negative.
    pub fn since_start(&self, unix: f64) -> f64 {
        (unix - self.wall).max(0.0)
    }
}

fn unix_now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
