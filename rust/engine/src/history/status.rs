//! The names of verdicts in timing files.

use crate::verdict::Verdict;

const NAMES: [(Verdict, &str); 8] = [
    (Verdict::Passed, "passed"),
    (Verdict::Failed, "failed"),
    (Verdict::Error, "error"),
    (Verdict::Skipped, "skipped"),
    (Verdict::Xfailed, "xfailed"),
    (Verdict::Xpassed, "xpassed"),
    (Verdict::Timeout, "timeout"),
    (Verdict::Crashed, "crashed"),
];

/// The name of a verdict in a timing file; `None` for [`Verdict::NotRun`], which is in none.
pub fn status_name(verdict: Verdict) -> Option<&'static str> {
    NAMES.iter().find(|(known, _)| *known == verdict).map(|(_, name)| *name)
}

/// The verdict of this name; `None` when a timing file cannot say so.
pub fn status_verdict(name: &str) -> Option<Verdict> {
    NAMES.iter().find(|(_, known)| *known == name).map(|(verdict, _)| *verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_means_its_verdict() {
        for (verdict, name) in NAMES {
            assert_eq!((status_verdict(name), status_name(verdict)), (Some(verdict), Some(name)));
        }
        assert_eq!((status_verdict("not_run"), status_name(Verdict::NotRun)), (None, None));
    }
}
