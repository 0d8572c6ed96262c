//! Native stacks, where py-spy is at hand: what Python's own stacks do not show of a test that hangs in C.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::end_of;

/// Where py-spy is, if it is.
pub fn find_spy(path: &OsStr) -> Option<PathBuf> {
    let is_program = |file: &PathBuf| {
        let metadata = std::fs::metadata(file);
        metadata.is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join("py-spy"))
        .find(is_program)
}

/// A look at one process that is under way. Dropping it ends it.
pub struct Spy {
    child: Child,
    pidfd: OwnedFd,
    output: File,
}

impl Spy {
    /// Begins to look. The process stands still for some of the time that this takes.
    pub fn look(program: &Path, at: Pid) -> std::io::Result<Self> {
        let output = File::from(memfd_create("pytest-concurrent-native", MemfdFlags::CLOEXEC)?);
        let child = Command::new(program)
            .args(["dump", "--native", "--pid", &at.as_raw_nonzero().to_string()])
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(Stdio::null())
            // The terminal's Ctrl-C is not for it.
            .process_group(0)
            .spawn()?;
        let pid = Pid::from_raw(child.id().cast_signed()).ok_or(std::io::ErrorKind::InvalidData)?;
        Ok(Self { child, pidfd: pidfd_open(pid, PidfdFlags::empty())?, output })
    }

    /// Becomes readable when the look is over.
    pub fn pidfd(&self) -> &OwnedFd {
        &self.pidfd
    }

    /// What it saw; `None` if it did not succeed, or is not done.
    pub fn seen(mut self) -> Option<String> {
        let ended = self.child.try_wait().ok().flatten()?;
        let text = end_of(&self.output, 0);
        (ended.success() && !text.trim().is_empty()).then_some(text)
    }
}

impl Drop for Spy {
    fn drop(&mut self) {
        // A killed process is gone in no time; one that has ended was reaped or is now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, poll};

    fn program(folder: &Path, script: &str) -> PathBuf {
        let file = folder.join("py-spy");
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        file
    }

    /// A fork of another test's can hold the new file open for a moment: then it cannot be executed yet.
    fn look(folder: &Path, script: &str) -> Spy {
        let file = program(folder, script);
        loop {
            match Spy::look(&file, Pid::INIT) {
                Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {}
                started => return started.unwrap(),
            }
        }
    }

    fn seen(script: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let spy = look(folder.path(), script);
        poll(&mut [PollFd::new(spy.pidfd(), PollFlags::IN)], None).unwrap();
        spy.seen()
    }

    #[test]
    fn what_it_prints_is_kept_if_it_succeeds() {
        assert_eq!(seen("echo \"$@\"").as_deref(), Some("dump --native --pid 1\n"));
        assert_eq!(seen("echo half; exit 1"), None);
        assert_eq!(seen("exit 0"), None);
    }

    #[test]
    fn one_that_hangs_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let spy = look(folder.path(), "exec sleep 600");
        let pid = Pid::from_raw(spy.child.id().cast_signed()).unwrap();
        assert_eq!(spy.seen(), None);
        assert!(rustix::process::test_kill_process(pid).is_err(), "it was killed and reaped");
    }

    #[test]
    fn only_programs_on_the_path_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = std::env::join_paths([Path::new("."), Path::new("/nonexistent"), folder.path()]).unwrap();
        assert_eq!(find_spy(&path), None);
        let file = program(folder.path(), "");
        assert_eq!(find_spy(&path), Some(file.clone()));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(find_spy(&path), None);
    }
}
