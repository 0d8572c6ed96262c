//! The far end of a start: what a worker that was not forked is born with.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use engine::wire::message::Birth;

use super::LinkError;
use super::packet::receive_packet;
use crate::page::Page;
use crate::process::DESCRIPTORS;

/// What one worker was given.
#[derive(Debug)]
pub struct Born {
    /// Which worker it is.
    pub birth: Birth,
    /// What it is to use, in the order of [`crate::process::open_descriptors`].
    pub descriptors: Vec<OwnedFd>,
    /// The shared page.
    pub page: Page,
    /// Read end of the lifeline.
    pub lifeline: OwnedFd,
    /// What others want every worker to have, in the order in which they gave it.
    pub inherited: Vec<OwnedFd>,
    /// What Python is told, encoded.
    pub instructions: Vec<u8>,
}

/// Reads the one message on the socket that the process was started with.
pub fn receive_birth(socket: &OwnedFd) -> Result<Born, LinkError> {
    let (birth, mut descriptors) = receive_packet::<Birth>(socket)?;
    if descriptors.len() < DESCRIPTORS + 3 {
        return Err(LinkError::Closed);
    }
    let mut others = descriptors.split_off(DESCRIPTORS).into_iter();
    let (Some(told), Some(page), Some(lifeline)) = (others.next(), others.next(), others.next()) else {
        return Err(LinkError::Closed);
    };
    let mut instructions = Vec::new();
    File::from(told).read_to_end(&mut instructions)?;
    let page = Page::attach(page, birth.slots)?;
    Ok(Born { birth, descriptors, page, lifeline, inherited: others.collect(), instructions })
}
