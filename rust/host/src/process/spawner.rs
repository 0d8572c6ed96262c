//! Workers that are processes of their own, in place of forks.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{Error, ErrorKind, Seek, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::Slot;
use engine::wire::message::Birth;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::children::RUN_ID;
use super::lifeline;
use super::{Blow, Brand, NearEnds, becomes_readable, open_descriptors, signal_group, wait_for};
use crate::link::packet::send_packet;
use crate::page::Page;

/// How long a worker that nobody needs may take to leave.
const LEAVE: Duration = Duration::from_secs(5);

/// A name and a value for the environment.
pub type Variable = (OsString, OsString);

/// What differs between the workers of a run.
#[derive(Debug)]
pub struct Part {
    /// Added to the environment.
    pub environment: Vec<Variable>,
    /// What Python is told, encoded.
    pub instructions: Vec<u8>,
    /// What every worker on this slot is to have, after what all have.
    pub inherited: Vec<OwnedFd>,
}

/// How to start a worker.
#[derive(Debug)]
pub struct Recipe {
    /// The interpreter.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// The folder to start in.
    pub folder: PathBuf,
    /// The whole environment.
    pub environment: Vec<Variable>,
    /// By slot.
    pub parts: Vec<Part>,
    /// Read end of the lifeline.
    pub lifeline: OwnedFd,
    /// What every worker is to have as well.
    pub inherited: Vec<OwnedFd>,
}

/// A worker that was started.
#[derive(Debug)]
pub struct Started {
    /// Its process id; the process is a child of this one.
    pub pid: Pid,
    /// To watch and signal it by.
    pub pidfd: OwnedFd,
    /// What the supervisor keeps.
    pub near: NearEnds,
}

/// Starts workers, some of them before anybody asks.
pub struct Spawner {
    recipe: Recipe,
    page: Arc<Page>,
    brand: Option<Brand>,
    /// Started, and not asked for yet.
    early: HashMap<Slot, Started>,
}

impl Spawner {
    /// A spawner for workers on this page.
    pub fn new(recipe: Recipe, page: Arc<Page>) -> Self {
        let known = recipe.parts.iter().flat_map(|part| &part.environment).find(|(name, _)| name == RUN_ID);
        let brand = known.map(|(_, run_id)| Brand::of(&run_id.to_string_lossy()));
        Self { recipe, page, brand, early: HashMap::new() }
    }

    /// The page that its workers share with this process.
    pub fn page(&self) -> &Arc<Page> {
        &self.page
    }

    /// Starts a worker on every slot, so that they collect while the controller does. One that cannot be started now is
    /// tried again when it is asked for.
    pub fn start_early(&mut self) {
        for slot in (0..self.recipe.parts.len()).map(|index| Slot(index as u16)) {
            if let Ok(started) = self.spawn(slot, 1) {
                self.early.insert(slot, started);
            }
        }
    }

    /// Slots whose worker was started and not asked for.
    pub fn early(&self) -> Vec<Slot> {
        let mut slots: Vec<_> = self.early.keys().copied().collect();
        slots.sort_unstable();
        slots
    }

    /// The worker that was started early on this slot, or a new one.
    pub fn take(&mut self, slot: Slot, attempt: u32) -> std::io::Result<Started> {
        match self.early.remove(&slot) {
            Some(started) => Ok(started),
            None => self.spawn(slot, attempt),
        }
    }

    /// Ends the workers that nobody asked for: as Ctrl-C does, and by force if they take too long.
    pub fn dismiss(&mut self) {
        let leaving: Vec<_> = self.early.drain().map(|(_, started)| (started.pid, started.pidfd)).collect();
        for (_, pidfd) in &leaving {
            let _ = pidfd_send_signal(pidfd, Signal::INT);
        }
        let until = Instant::now() + LEAVE;
        for (pid, pidfd) in leaving {
            becomes_readable(&pidfd, until.saturating_duration_since(Instant::now()));
            signal_group(pid, Blow::Kill);
            wait_for(pid.as_raw_nonzero().get());
        }
    }

    fn spawn(&self, slot: Slot, attempt: u32) -> std::io::Result<Started> {
        let part = self.recipe.parts.get(slot.index()).ok_or(ErrorKind::NotFound)?;
        let (near, far) = open_descriptors()?;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        let told = memory_file(&part.instructions)?;
        let birth = Birth { slot, attempt, slots: self.recipe.parts.len() as u16 };
        let lifeline = lifeline::own_end(&self.recipe.lifeline)?;
        let more = [&told, self.page.file(), &lifeline];
        let given: Vec<BorrowedFd<'_>> =
            far.iter().chain(more).chain(&self.recipe.inherited).chain(&part.inherited).map(AsFd::as_fd).collect();
        send_packet(&ours, &birth, &given).map_err(Error::other)?;
        let child = Command::new(&self.recipe.program)
            .args(&self.recipe.arguments)
            .env_clear()
            .envs(self.recipe.environment.iter().chain(&part.environment).cloned())
            .current_dir(&self.recipe.folder)
            .process_group(0)
            // What it needs waits on its standard input: nothing is inherited by number.
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::from(far[1].try_clone()?))
            .stderr(Stdio::from(far[2].try_clone()?))
            .spawn()
            .map_err(|error| self.explain(&error))?;
        let pid = Pid::from_raw(child.id().cast_signed()).ok_or(ErrorKind::NotFound)?;
        if let Some(brand) = self.brand {
            brand.put_on(pid);
        }
        // It does so itself when it runs, so that a refusal here only makes it late.
        let _ = lifeline::bind(&lifeline, pid);
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).inspect_err(|_| {
            signal_group(pid, Blow::Kill);
            wait_for(pid.as_raw_nonzero().get());
        })?;
        Ok(Started { pid, pidfd, near })
    }

    /// The system does not say which of the two it has not found.
    fn explain(&self, error: &Error) -> Error {
        let (program, folder) = (self.recipe.program.display(), self.recipe.folder.display());
        match error.kind() {
            ErrorKind::NotFound if !self.recipe.folder.exists() => {
                Error::new(ErrorKind::NotFound, format!("no folder {folder} to start in"))
            }
            kind => Error::new(kind, format!("{program}: {error}")),
        }
    }
}

impl Drop for Spawner {
    fn drop(&mut self) {
        self.dismiss();
    }
}

fn memory_file(bytes: &[u8]) -> std::io::Result<OwnedFd> {
    let mut file = std::fs::File::from(memfd_create("pytest-concurrent-birth", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}
