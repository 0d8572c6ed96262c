//! Opening and replacing one file, with the checks that keep others from reading or writing through us.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::error::StoreError;

/// The most that is read of one file, in bytes: about six million tests.
const MAX_BYTES: u64 = 1 << 30;

/// What a new file may be used for, before the umask takes its part. Never by everybody for writing: we would refuse to
/// read our own file in a container whose umask is 0.
const NEW_FILE_MODE: u32 = 0o664;

const WRITABLE_BY_OTHERS: u32 = 0o002;

/// The whole content of a regular file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    let failed = |source: io::Error| match source.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::LOOP) => StoreError::Link { path: path.into() },
        _ => StoreError::io(path, "read", source),
    };
    // Not blocking: opening a named pipe would otherwise wait for a writer for ever.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    check(path, &metadata)?;
    let too_large = || StoreError::TooLarge { path: path.into(), limit: MAX_BYTES };
    if metadata.len() > MAX_BYTES {
        return Err(too_large());
    }
    let mut content = Vec::with_capacity(metadata.len() as usize + 1);
    let length = file.take(MAX_BYTES + 1).read_to_end(&mut content).map_err(failed)?;
    if length as u64 > MAX_BYTES { Err(too_large()) } else { Ok(content) }
}

/// Makes the folder that the file is to stand in.
pub(super) fn make_parent(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(parent(path)).map_err(|source| StoreError::io(path, "write", source))
}

/// Puts new content in the place of the file. On any error, a full disk too, the old content stays.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> Result<(), StoreError> {
    let mode = mode_of_target(path)?;
    let failed = |source| StoreError::io(path, "write", source);
    let temporary = tempfile::Builder::new()
        .prefix(".timings-")
        .permissions(Permissions::from_mode(NEW_FILE_MODE))
        .tempfile_in(parent(path))
        .map_err(failed)?;
    if let Some(mode) = mode {
        temporary.as_file().set_permissions(Permissions::from_mode(mode)).map_err(failed)?;
    }
    let mut out = BufWriter::with_capacity(1 << 16, temporary.as_file());
    write(&mut out).and_then(|()| out.flush()).map_err(failed)?;
    drop(out);
    temporary.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// The folder of a file; the current one for a bare name.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The permissions of the file that is to be replaced, which the new one keeps; `None` when there is none yet.
fn mode_of_target(path: &Path) -> Result<Option<u32>, StoreError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => Err(StoreError::Link { path: path.into() }),
        Ok(metadata) => check(path, &metadata).map(|()| Some(metadata.mode() & 0o777)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::io(path, "write", source)),
    }
}

fn check(path: &Path, metadata: &Metadata) -> Result<(), StoreError> {
    if !metadata.is_file() {
        return Err(StoreError::NotAFile { path: path.into() });
    }
    if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(StoreError::WorldWritable { path: path.into() });
    }
    Ok(())
}
