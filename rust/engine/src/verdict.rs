//! What became of a test. Each collected test ends with exactly one verdict.

use serde::{Deserialize, Serialize};

/// The final verdict of one test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Set-up, call and teardown went well.
    Passed,
    /// The call failed.
    Failed,
    /// Set-up or teardown failed.
    Error,
    /// The test was skipped.
    Skipped,
    /// It failed as its mark foretold.
    Xfailed,
    /// It passed although its mark foretold a failure.
    Xpassed,
    /// It ran longer than its limit and was ended.
    Timeout,
    /// Its worker died while it ran.
    Crashed,
    /// The run ended before the test could start, or while it ran after Ctrl-C.
    NotRun,
}

impl Verdict {
    /// Whether a worker can report this verdict itself; the others are the engine's own.
    pub fn is_reported(self) -> bool {
        !matches!(self, Self::Timeout | Self::Crashed | Self::NotRun)
    }

    /// Whether a duration under this verdict says how long the test usually takes.
    pub fn is_typical(self) -> bool {
        matches!(self, Self::Passed | Self::Xfailed | Self::Xpassed)
    }
}
