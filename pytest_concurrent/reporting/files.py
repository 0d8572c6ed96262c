"""Report files: whole or not at all, and never through a link."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from pathlib import Path

from pytest_concurrent.reporting.terminal import Terminal


def save(terminal: Terminal, what: str, path: Path, content: str | bytes) -> bool:
    """Write a report; if that fails, warn, so that the run keeps its results and exit code.

    Args:
        terminal: Gets the warning.
        what: Names the report in the warning, such as ``benchmark report``.
        path: Where to; missing folders are made.
        content: Text is written as UTF-8.

    Returns:
        Whether the file was written.
    """
    try:
        write(path, content)
    except OSError as error:
        terminal.warning(f"{what} not written to {path}: {error.strerror or error}")
        return False
    return True


def open_stream(terminal: Terminal, what: str, path: Path) -> int | None:
    """Open a file that is written while the run goes on; if that fails, warn.

    Args:
        terminal: Gets the warning.
        what: Names the file in the warning, such as ``events``.
        path: Where to; missing folders are made, and what is there is replaced.

    Returns:
        A descriptor, which the caller owns; ``None`` if the file cannot be written.
    """
    # Without O_NONBLOCK a named pipe that nobody reads would hold us up for ever.
    flags = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        if not _is_device(path):
            _mode_of_replaced(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags | os.O_TRUNC | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        terminal.warning(f"{what} not written to {path}: {error.strerror or error}")
        return None


def write(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader finds the old content or the new, never a part.

    A new file follows the umask; one that is replaced keeps its mode.

    Args:
        path: Where to; missing folders are made.
        content: Text is written as UTF-8, whatever it holds.

    Raises:
        OSError: The path is a link or not a regular file, the folder cannot be written to, or the
            disk is full. Nothing is left behind.
    """
    encoded = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    mode = _mode_of_replaced(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".concurrent-{secrets.token_hex(8)}")
    try:
        _create(draft, encoded, mode)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _is_device(path: Path) -> bool:
    """Whether it is the likes of /dev/null, which a stream may go to."""
    try:
        return stat.S_ISCHR(path.lstat().st_mode)
    except OSError:
        return False


def _mode_of_replaced(path: Path) -> int | None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, "it is a symbolic link; name the file itself", str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return stat.S_IMODE(mode)


def _create(draft: Path, content: bytes, mode: int | None) -> None:
    with open(draft, "xb") as file:
        if mode is not None:
            os.chmod(file.fileno(), mode)
        file.write(content)
