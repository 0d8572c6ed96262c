//! Units that nobody works on, in the order in which they are to be taken.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use super::units::UnitId;
use crate::ids::TestId;

/// What decides which unit goes first; the smallest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) rank: Rank,
    pub(super) weight: Reverse<Duration>,
    pub(super) first: TestId,
    pub(super) unit: UnitId,
}

/// Blocks go before fillers, because fillers can be divided to level out the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Block,
    Filler,
}

/// The units of one class that nobody works on.
pub(super) type Shelf = BTreeSet<Key>;
