//! Copies of database files, and the portable form.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::paths::{Durable, beside, remove, replace};
use crate::error::{DatabaseError, Result};

/// What a portable file calls itself.
const FORMAT: &str = "pytest-concurrent sqlite";
/// The version of a portable file.
const VERSION: u32 = 1;
/// The longest first line of a portable file, in bytes; ours has 130.
const LONGEST_HEAD: u64 = 1024;
/// How much is read at once, in bytes.
const PIECE: usize = 256 * 1024;

/// The first line of a portable file; the pages follow.
#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    v: u32,
    /// Bytes that follow.
    size: u64,
    /// Digest of them.
    blake3: String,
}

/// Copies a database to where none is.
///
/// The system shares the blocks between the two files where the file system can (Btrfs, XFS and ZFS on Linux through
/// `copy_file_range`, APFS through `fclonefileat`): that is what [`fs::copy`] asks for first.
pub(super) fn copy_new(source: &Path, target: &Path) -> Result<()> {
    if fs::symlink_metadata(target).is_ok() {
        return Err(DatabaseError::at(target, &io::ErrorKind::AlreadyExists.into()));
    }
    clear_beside(target)?;
    fs::copy(source, target).map(drop).map_err(|error| {
        let _ = fs::remove_file(target);
        DatabaseError::at(target, &error)
    })
}

/// Gives a database the content of another. Whoever has it open must open it again: the file is a new one.
pub(super) fn copy_over(source: &Path, target: &Path) -> Result<()> {
    let new = target.with_extension("sqlite3-new");
    remove(&new)?;
    copy_new(source, &new)?;
    clear_beside(target)?;
    fs::rename(&new, target).map_err(|error| DatabaseError::at(target, &error))
}

/// A log beside a database that it does not belong to would be played into it.
fn clear_beside(target: &Path) -> Result<()> {
    beside(target).iter().try_for_each(|path| remove(path))
}

/// Writes the portable form.
pub(super) fn dump(source: &Path, target: &Path) -> Result<()> {
    let (size, digest) = measure(source).map_err(|error| DatabaseError::at(source, &error))?;
    let head = Head { format: FORMAT.into(), v: VERSION, size, blake3: digest };
    replace(target, Durable::Yes, |file| {
        serde_json::to_writer(&mut *file, &head)?;
        file.write_all(b"\n")?;
        let copied = io::copy(&mut File::open(source)?, file)?;
        if copied == size { Ok(()) } else { Err(damaged("the template changed while it was copied")) }
    })
}

/// Reads the portable form into a database, if it is whole.
///
/// # Errors
/// [`DatabaseError::Unsupported`] if it is damaged.
pub(super) fn load(source: &Path, target: &Path) -> Result<()> {
    clear_beside(target)?;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(source);
    let mut reader = BufReader::new(file.map_err(|error| DatabaseError::at(source, &error))?);
    let head = read_head(&mut reader)
        .ok_or_else(|| DatabaseError::Unsupported(format!("{} is no SQLite template of ours", source.display())))?;
    replace(target, Durable::Yes, |file| {
        let digest = pass_on(&mut reader, file, head.size)?;
        if digest == head.blake3 { Ok(()) } else { Err(damaged("what it was loaded from is damaged")) }
    })
}

fn read_head(reader: &mut BufReader<File>) -> Option<Head> {
    let mut line = Vec::new();
    reader.by_ref().take(LONGEST_HEAD).read_until(b'\n', &mut line).ok()?;
    let head: Head = serde_json::from_slice(&line).ok()?;
    (head.format == FORMAT && head.v == VERSION).then_some(head)
}

fn measure(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    Ok((size, pass_on(&mut file, &mut io::sink(), size)?))
}

/// Copies exactly `size` bytes, which must be all there is, and gives their digest.
fn pass_on(reader: &mut impl Read, writer: &mut impl Write, size: u64) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE];
    let mut seen = 0;
    loop {
        let count = reader.read(&mut piece)?;
        if count == 0 {
            break;
        }
        seen += count as u64;
        if seen > size {
            return Err(damaged("it is longer than it says"));
        }
        hasher.update(&piece[..count]);
        writer.write_all(&piece[..count])?;
    }
    if seen == size { Ok(hasher.finalize().to_hex().to_string()) } else { Err(damaged("it is cut off")) }
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}
