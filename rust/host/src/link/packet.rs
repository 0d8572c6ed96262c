//! Messages with descriptors, over `SOCK_SEQPACKET`: a message is a packet.

use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use engine::wire::message;
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

use super::LinkError;

/// The most descriptors that travel with one message: those of a worker, what it is told, the page, the lifeline, and
/// what others gave.
const MOST: usize = 16;

/// Sends one message with descriptors.
pub(crate) fn send_packet<T: serde::Serialize>(
    socket: &OwnedFd,
    what: &T,
    descriptors: &[BorrowedFd<'_>],
) -> Result<(), LinkError> {
    let mut bytes = Vec::new();
    message::encode(what, &mut bytes);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    loop {
        match sendmsg(socket, &[std::io::IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(Errno::PIPE | Errno::CONNRESET) => return Err(LinkError::Closed),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Receives one message with its descriptors.
pub(crate) fn receive_packet<T: serde::de::DeserializeOwned>(socket: &OwnedFd) -> Result<(T, Vec<OwnedFd>), LinkError> {
    let mut bytes = [0; 4096];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let mut parts = [std::io::IoSliceMut::new(&mut bytes)];
        match recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            Err(Errno::CONNRESET) => return Err(LinkError::Closed),
            other => break other?,
        }
    };
    let mut descriptors = Vec::new();
    for ancillary in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = ancillary {
            descriptors.extend(rights);
        }
    }
    if received.bytes == 0 {
        return Err(LinkError::Closed);
    }
    Ok((message::decode(&bytes[..received.bytes])?, descriptors))
}
