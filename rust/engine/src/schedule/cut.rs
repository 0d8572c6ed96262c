//! Cutting a row of neighbours into pieces that may go to different workers.

use std::time::Duration;

use super::course::Course;
use super::estimates::Estimates;
use super::fixtures::{FixtureCosts, Seam};
use super::units::Kind;
use crate::ids::TestId;

/// Tests that go together, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    /// Handed out before the fillers, if it cannot wait.
    pub(super) block: bool,
    pub(super) tests: Vec<TestId>,
}

/// What is known when cutting.
pub(super) struct Cutter<'a> {
    pub(super) estimates: &'a Estimates,
    pub(super) costs: &'a FixtureCosts,
    /// A test that cannot wait becomes a piece of its own.
    pub(super) course: &'a Course,
}

impl Cutter<'_> {
    /// Tests tied by costly or unmeasured seams stay together; the others become runs of neighbours, without those among
    /// them that cannot wait.
    pub(super) fn cut(&self, row: &[TestId]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut filler = Vec::new();
        for atom in row.chunk_by(|left, right| self.costs.seam(*left, *right) != Seam::Free) {
            match atom {
                [test] if !self.cannot_wait(*test) => filler.push(*test),
                [_] => pieces.push(Piece { kind: Kind::Loose, block: true, tests: atom.to_vec() }),
                _ => {
                    pieces.extend(take_filler(&mut filler));
                    pieces.push(Piece { kind: self.bound(atom), block: true, tests: atom.to_vec() });
                }
            }
        }
        pieces.extend(take_filler(&mut filler));
        pieces
    }

    fn cannot_wait(&self, test: TestId) -> bool {
        self.estimates.known(test).is_some_and(|time| self.course.cannot_wait(test, time))
    }

    fn bound(&self, atom: &[TestId]) -> Kind {
        let mut cheapest = Duration::MAX;
        for pair in atom.windows(2) {
            match self.costs.seam(pair[0], pair[1]) {
                Seam::Costly(cost) => cheapest = cheapest.min(cost),
                Seam::Unmeasured => return Kind::Unmeasured,
                Seam::Free => {}
            }
        }
        Kind::Bound { cheapest }
    }
}

fn take_filler(filler: &mut Vec<TestId>) -> Option<Piece> {
    let tests = std::mem::take(filler);
    (!tests.is_empty()).then_some(Piece { kind: Kind::Loose, block: false, tests })
}

#[cfg(test)]
mod tests {
    use super::super::units::testing::{fixture, suite, test, unmeasured};
    use super::*;
    use crate::suite::Test;

    fn pieces(tests: impl IntoIterator<Item = Test>) -> Vec<(Kind, bool, Vec<u32>)> {
        let mut suite = suite(tests);
        suite.fixtures = vec![fixture(0.5), unmeasured()];
        let (estimates, costs) = (Estimates::new(&suite), FixtureCosts::new(&suite));
        let course = Course::new(&suite, &estimates, 2);
        let cutter = Cutter { estimates: &estimates, costs: &costs, course: &course };
        let row: Vec<_> = (0..suite.tests.len() as u32).map(TestId).collect();
        let plain = |piece: Piece| (piece.kind, piece.block, piece.tests.iter().map(|test| test.0).collect());
        cutter.cut(&row).into_iter().map(plain).collect()
    }

    #[test]
    fn long_test_leaves_its_neighbours() {
        let tests = [test(0), test(0).lasting(3.0), test(0)];
        assert_eq!(pieces(tests), [(Kind::Loose, true, vec![1]), (Kind::Loose, false, vec![0, 2])]);
    }

    #[test]
    fn costly_fixture_keeps_tests_together() {
        let tests = [test(0).using(&[0]), test(0).using(&[0]).lasting(3.0), test(0)];
        let bound = Kind::Bound { cheapest: Duration::from_millis(500) };
        assert_eq!(pieces(tests), [(bound, true, vec![0, 1]), (Kind::Loose, false, vec![2])]);
    }

    #[test]
    fn unmeasured_fixture_keeps_tests_together() {
        let tests = [test(0), test(0).using(&[0, 1]), test(0).using(&[0, 1])];
        assert_eq!(pieces(tests), [(Kind::Loose, false, vec![0]), (Kind::Unmeasured, true, vec![1, 2])]);
    }
}
