//! Processes: what a worker is given, how it is signalled, how its end is learnt. See `README.md` beside this file.

mod brand;
mod children;
mod descriptors;
mod evidence;
mod keep;
mod lifeline;
mod signal;
mod spawner;
mod spy;
mod wait;

use brand::Brand;
pub use children::{Orphan, Orphanage};
pub use descriptors::{DESCRIPTORS, NearEnds, open_descriptors};
pub(crate) use evidence::end_of;
pub use evidence::{Evidence, Tail};
pub use keep::Keep;
pub use signal::{Blow, catches, signal_group, signal_name, stacks_signal};
pub use spawner::{Part, Recipe, Spawner, Started, Variable};
pub use spy::{Spy, find_spy};
pub(crate) use wait::becomes_readable;
pub use wait::{End, death, wait_for};
