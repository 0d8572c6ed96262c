//! The door: how clients come in, and when the house is empty.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::getppid;

use super::ending::PATIENCE;
use super::request::Role;
use super::{Keeper, client};

/// How often it is looked whether anybody is left.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// How long after its controller's death a run may go on: its workers are told to stop within that time.
const ORPHANED: Duration = Duration::from_secs(5);

/// The most conversations at once, so that a client that opens one after the other runs out before the threads do.
const MOST_CLIENTS: usize = 1024;

/// The most descriptors in one packet that are taken, to be closed again if there is more than one.
const DESCRIPTORS: usize = 8;

/// Lets clients in until nobody can come any more or the run is over, and then cleans up.
pub(super) fn serve(keeper: &Arc<Keeper>, door: &OwnedFd) {
    let shared = Arc::clone(keeper);
    // Without the thread a lost lease is noticed when the next clone is made.
    let _ = thread::Builder::new().name("leases".to_owned()).spawn(move || shared.watch_leases());
    let parent = getppid();
    let mut open = true;
    loop {
        if open {
            match admit(door) {
                Ok(Some(stream)) => welcome(keeper, stream),
                Ok(None) => {}
                Err(_) => open = false,
            }
        } else {
            thread::sleep(Duration::from_millis(50));
        }
        // The conversation of a controller that was killed goes on in what it forked; a new parent is certain.
        if getppid() != parent {
            keeper.lock().controller_died.get_or_insert_with(Instant::now);
        }
        if is_over(keeper, open) {
            break;
        }
    }
    if !keeper.lock().finished {
        // Without its settings nothing of others is judged.
        let _ = keeper.finish(None, PATIENCE);
    }
}

fn is_over(keeper: &Keeper, open: bool) -> bool {
    let state = keeper.lock();
    if let Some(died) = state.controller_died {
        return died.elapsed() > ORPHANED || state.count(&[None, Some(Role::Maker), Some(Role::Worker)]) == 0;
    }
    if state.is_needed() {
        return false;
    }
    let orphaned = state.controller_left.is_some_and(|left| left.elapsed() > ORPHANED);
    !open || state.finished || orphaned
}

/// `None` = nobody came within a moment, or what came is no conversation.
///
/// # Errors
/// Nobody can come any more.
fn admit(door: &OwnedFd) -> Result<Option<UnixStream>, Errno> {
    let mut watched = [PollFd::new(door, PollFlags::IN)];
    match poll(&mut watched, Some(&TICK)) {
        Ok(0) | Err(Errno::INTR) => return Ok(None),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    let mut bytes = [0; 16];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let received = match recvmsg(door, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT) {
        Err(Errno::INTR | Errno::AGAIN) => return Ok(None),
        other => other?,
    };
    let mut descriptors = Vec::new();
    for ancillary in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = ancillary {
            descriptors.extend(rights);
        }
    }
    if received.bytes == 0 && descriptors.is_empty() {
        return Err(Errno::PIPE);
    }
    let one = descriptors.pop().filter(|_| descriptors.is_empty());
    Ok(one.map(UnixStream::from))
}

fn welcome(keeper: &Arc<Keeper>, stream: UnixStream) {
    // Entered before its thread runs, so that the house is never taken for empty while somebody is on the way in.
    let Some(id) = keeper.change(|state| {
        (state.clients.len() < MOST_CLIENTS).then(|| {
            state.last_client += 1;
            state.clients.insert(state.last_client, None);
            state.last_client
        })
    }) else {
        return;
    };
    let shared = Arc::clone(keeper);
    let serve = move || client::serve(&shared, id, stream);
    if thread::Builder::new().name(format!("client {id}")).spawn(serve).is_err() {
        client::leave(keeper, id);
    }
}
