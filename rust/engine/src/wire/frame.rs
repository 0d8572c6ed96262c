//! A frame is a length (4 bytes, little-endian, of what follows), the protocol's version (1 byte) and a message.

use super::WireError;

/// The version of the protocol. Both ends always come from one installation; the byte catches what did not.
pub const VERSION: u8 = 1;

/// The longest frame, in bytes, version included. A report of a test that printed 100 MB travels whole; what would
/// exhaust the controller does not.
pub const MAX_LENGTH: usize = 256 * 1024 * 1024;

const HEADER: usize = 4;

/// Reserves room for a frame's header at the end of `buffer`; what is appended afterwards is the message.
/// Returns the mark that [`finish`] wants.
pub fn begin(buffer: &mut Vec<u8>) -> usize {
    let mark = buffer.len();
    buffer.extend_from_slice(&[0; HEADER]);
    buffer.push(VERSION);
    mark
}

/// Completes the frame begun at `mark`.
///
/// # Errors
/// [`WireError::TooLong`]; the frame is then taken out of the buffer again.
pub fn finish(buffer: &mut Vec<u8>, mark: usize) -> Result<(), WireError> {
    let length = buffer.len() - mark - HEADER;
    if length > MAX_LENGTH {
        buffer.truncate(mark);
        return Err(WireError::TooLong(length as u64));
    }
    buffer[mark..mark + HEADER].copy_from_slice(&(length as u32).to_le_bytes());
    Ok(())
}

/// Cuts the first whole frame off `bytes`: its message and the number of bytes that it took.
/// `None` = more bytes are needed.
pub fn split(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, WireError> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else { return Ok(None) };
    let length = u32::from_le_bytes(*header) as usize;
    if length > MAX_LENGTH {
        return Err(WireError::TooLong(length as u64));
    }
    if length == 0 {
        return Err(WireError::Malformed("frame"));
    }
    match rest.first() {
        Some(&VERSION) | None => {}
        Some(&found) => return Err(WireError::Version { found, expected: VERSION }),
    }
    if rest.len() < length {
        return Ok(None);
    }
    Ok(Some((&rest[1..length], HEADER + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(message: &[u8]) -> Vec<u8> {
        let mut buffer = Vec::new();
        let mark = begin(&mut buffer);
        buffer.extend_from_slice(message);
        finish(&mut buffer, mark).unwrap();
        buffer
    }

    #[test]
    fn frames_come_out_as_they_went_in() {
        let mut bytes = framed(b"first");
        bytes.extend(framed(b""));
        let (message, used) = split(&bytes).unwrap().unwrap();
        assert_eq!((message, used), (&b"first"[..], 10));
        assert_eq!(split(&bytes[used..]), Ok(Some((&b""[..], 5))));
    }

    #[test]
    fn part_of_a_frame_asks_for_more() {
        let bytes = framed(b"message");
        for end in 0..bytes.len() {
            assert_eq!(split(&bytes[..end]), Ok(None));
        }
    }

    #[test]
    fn too_long_or_foreign_frames_are_refused() {
        assert!(matches!(split(&[255; 8]), Err(WireError::TooLong(_))));
        assert_eq!(split(&[1, 0, 0, 0, 9]), Err(WireError::Version { found: 9, expected: VERSION }));
        assert_eq!(split(&[0, 0, 0, 0]), Err(WireError::Malformed("frame")));
    }
}
