//! Frames and messages between the controller, the zygote and the workers: versioned, length-capped.
//!
//! - [`frame`]: how a stream of bytes is cut into messages;
//! - [`message`]: the words that controller and worker, controller and zygote exchange;
//! - [`value`]: the tagged encoding of what pytest's reports consist of.
//!
//! What a worker sends is parsed as hostile: any bytes decode to a message or to a [`WireError`], never to a panic,
//! and no length is believed before it was compared with what is there.

pub mod frame;
pub mod message;
pub mod value;

#[cfg(test)]
mod value_tests;

use thiserror::Error;

/// Why bytes are not a message.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum WireError {
    /// The other side speaks another version of the protocol.
    #[error("protocol version {found} instead of {expected}")]
    Version {
        /// What the frame says.
        found: u8,
        /// [`frame::VERSION`].
        expected: u8,
    },
    /// A frame that is longer than [`frame::MAX_LENGTH`].
    #[error("a frame of {0} bytes is longer than allowed")]
    TooLong(u64),
    /// A value that is nested more deeply than [`value::MAX_DEPTH`].
    #[error("a value is nested too deeply")]
    TooDeep,
    /// A value that holds more than [`value::MAX_VALUES`].
    #[error("a value holds too many others")]
    TooMany,
    /// The bytes end before the value does.
    #[error("the bytes end before the value does")]
    Truncated,
    /// The bytes mean nothing.
    #[error("malformed {0}")]
    Malformed(&'static str),
}
