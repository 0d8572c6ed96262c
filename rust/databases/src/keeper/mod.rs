//! The keeper: the process that owns every database client of a run.
//!
//! It is forked before the run has a thread, and everybody who needs a database talks to it through the **door**, a
//! packet socket through which a client hands over one end of a conversation of its own. It holds the leases that say
//! that the run is alive, makes clones ahead, and drops them when everybody else is gone.

mod borrowed;
mod building;
mod cleaning;
mod client;
mod clones;
mod door;
mod ending;
mod enduring;
mod filling;
mod lease;
mod opening;
mod reporting;
mod request;
mod servers;
mod snapshots;
mod state;

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engine::Retries;

use self::state::State;
use crate::error::Result;
use crate::journal::Journal;
use crate::server::Server;
use crate::target::Target;

pub use self::request::probe;

/// Hexadecimal digits of a run in marks and leases: 64 bits, what an advisory lock of PostgreSQL takes.
const RUN_DIGITS: usize = 16;

/// The most clones that are made at once. More only wait for each other in the server's catalogue: twelve at once were
/// measured to take three times as long each (25 ms became 83 ms).
const MOST_AT_ONCE: usize = 4;

/// Reaches the server of a target.
type Opener = dyn Fn(Target) -> Result<Arc<dyn Server>> + Send + Sync;

/// What all threads of the process share.
struct Keeper {
    /// Id of the run, as marks and leases have it.
    run: String,
    journal: Journal,
    opener: Box<Opener>,
    fillers: rayon::ThreadPool,
    state: Mutex<State>,
    changed: Condvar,
    /// Held while everything is dropped.
    ending: Mutex<()>,
    /// How long a server may be away.
    restart: Duration,
    retries: Retries,
    /// How often something was begun that may be tried again.
    patient: AtomicU64,
}

/// Is the keeper until everybody is gone; then what the run made is dropped.
///
/// To be called in a process that has no other thread. `door` is the end of a packet socket whose other end the
/// processes of the run have; `journals` is the folder where names are written down before they are made; `retries`
/// says how often something is tried again that others are in the way of, and, by none, that a server that is away is not
/// waited for.
///
/// # Errors
/// The system gives no threads.
pub fn keep(door: &OwnedFd, journals: &Path, run: &str, retries: Retries) -> io::Result<()> {
    let keeper = Arc::new(Keeper::new(journals, run, retries, Box::new(opening::open))?);
    door::serve(&keeper, door);
    Ok(())
}

impl Keeper {
    fn new(journals: &Path, run: &str, retries: Retries, opener: Box<Opener>) -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let fillers = rayon::ThreadPoolBuilder::new().num_threads(MOST_AT_ONCE.min(cores + 1)).build();
        let run = run_id(run);
        Ok(Self {
            journal: Journal::new(journals, &run),
            run,
            opener,
            fillers: fillers.map_err(io::Error::other)?,
            state: Mutex::default(),
            changed: Condvar::new(),
            ending: Mutex::new(()),
            restart: enduring::RESTART,
            retries,
            patient: AtomicU64::new(0),
        })
    }
}

/// A run's id in the form that marks, leases and names take: its first 16 hexadecimal digits, or those of its digest.
fn run_id(run: &str) -> String {
    let is_hex = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
    match run.get(..RUN_DIGITS) {
        Some(digits) if digits.bytes().all(is_hex) => digits.to_owned(),
        _ => blake3::hash(run.as_bytes()).to_hex()[..RUN_DIGITS].to_owned(),
    }
}

/// Unix seconds.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// 64 random bits from the system: names must differ from those of every other run, forked from the same process or not.
fn random() -> Result<u64> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0; 8];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|error| crate::error::DatabaseError::at(path, &error))?;
    Ok(u64::from_ne_bytes(bytes))
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
