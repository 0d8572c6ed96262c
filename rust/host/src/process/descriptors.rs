//! What a worker is born with.

use std::fs::File;
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};

/// How many descriptors a worker is given: socket, stdout, stderr, fault file, captured stdout and stderr.
pub const DESCRIPTORS: usize = 6;

/// What the supervisor keeps.
#[derive(Debug)]
pub struct NearEnds {
    /// Frames both ways; never blocks.
    pub socket: OwnedFd,
    /// What the worker writes to descriptors 1 and 2 past pytest's capture; never blocks.
    pub pipes: [OwnedFd; 2],
    /// Where `faulthandler` writes stacks.
    pub fault: File,
    /// Where pytest's capture of descriptors 1 and 2 collects.
    pub capture: [File; 2],
}

/// Makes both ends. The far ends come in the order that the worker expects.
pub fn open_descriptors() -> Result<(NearEnds, Vec<OwnedFd>), Errno> {
    let (near, far) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    let (out, far_out) = pipe_with(PipeFlags::CLOEXEC)?;
    let (err, far_err) = pipe_with(PipeFlags::CLOEXEC)?;
    for descriptor in [&near, &out, &err] {
        ioctl_fionbio(descriptor, true)?;
    }
    let [fault, far_fault] = memory_file("pytest-concurrent-stacks")?;
    let [capture_out, far_capture_out] = memory_file("pytest-concurrent-stdout")?;
    let [capture_err, far_capture_err] = memory_file("pytest-concurrent-stderr")?;
    let near_ends = NearEnds {
        socket: near,
        pipes: [out, err],
        fault: fault.into(),
        capture: [capture_out.into(), capture_err.into()],
    };
    Ok((near_ends, vec![far, far_out, far_err, far_fault, far_capture_out, far_capture_err]))
}

fn memory_file(name: &str) -> Result<[OwnedFd; 2], Errno> {
    let near = memfd_create(name, MemfdFlags::CLOEXEC)?;
    let far = rustix::io::fcntl_dupfd_cloexec(&near, 3)?;
    Ok([near, far])
}
