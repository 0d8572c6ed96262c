//! Small numbers that stand for what Python knows by name. All of them are given by the controller, densely from 0.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The number as an index into a slice.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// A test: its position in the collection.
    TestId(u32)
);
id!(
    /// A worker's stable place: slot 0 is `gw0`, whichever process stands there.
    Slot(u16)
);
id!(
    /// A test file (or whatever collects tests outside of files), in collection order.
    ModuleId(u32)
);
id!(
    /// A set-up that several tests share: one fixture with one parameter in one class, module, package or session.
    FixtureId(u32)
);
id!(
    /// A group that the user named; never split.
    GroupId(u32)
);
id!(
    /// A resource that the user named; a semaphore over the run.
    ResourceId(u32)
);

impl std::fmt::Display for Slot {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "gw{}", self.0)
    }
}
