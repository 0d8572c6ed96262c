from __future__ import annotations

import errno
import os
import resource
import stat
from pathlib import Path

import pytest

from pytest_concurrent.reporting import files
from pytest_concurrent.reporting.terminal import Terminal


class Warnings(Terminal):
    """Keeps the warnings instead of writing them."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warning(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def terminal() -> Warnings:
    return Warnings()


def disk_full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_missing_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "report.json"
    files.write(path, "{}\n")
    assert path.read_text() == "{}\n"
    assert os.listdir(path.parent) == ["report.json"]


def test_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        files.write(tmp_path / "report", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "report").stat().st_mode) == 0o640


def test_a_replaced_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("old")
    path.chmod(0o600)
    files.write(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_text_that_is_not_unicode_is_escaped(tmp_path: Path) -> None:
    files.write(tmp_path / "report", "caf\u00e9 \udcff")
    assert (tmp_path / "report").read_bytes() == b"caf\xc3\xa9 \\udcff"


def test_a_link_is_never_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("precious")
    link.symlink_to(target)
    with pytest.raises(OSError, match="symbolic link"):
        files.write(link, "new")
    assert target.read_text() == "precious"
    assert link.is_symlink()


def test_a_dangling_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OSError, match="symbolic link"):
        files.write(tmp_path / "link", "new")
    assert not (tmp_path / "nowhere").exists()


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match="not a regular file"):
        files.write(path, "new")
    assert path.is_fifo()


def test_a_full_disk_keeps_the_old_file(
    tmp_path: Path, terminal: Warnings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report"
    path.write_text("old")
    monkeypatch.setattr(files, "_create", disk_full)
    assert files.save(terminal, "benchmark report", path, "new") is False
    assert terminal.lines == [f"benchmark report not written to {path}: No space left on device"]
    assert path.read_text() == "old"


def test_a_write_that_stops_midway_leaves_nothing(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            files.write(tmp_path / "report", b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(tmp_path) == []


def test_a_failed_rename_leaves_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "replace", disk_full)
    with pytest.raises(OSError, match="No space left"):
        files.write(tmp_path / "report", "new")
    assert os.listdir(tmp_path) == []


def test_a_file_in_the_way_is_a_warning(tmp_path: Path, terminal: Warnings) -> None:
    (tmp_path / "file").write_text("")
    assert files.save(terminal, "events", tmp_path / "file" / "report", "new") is False
    assert terminal.lines == [f"events not written to {tmp_path}/file/report: Not a directory"]


def test_a_written_report_needs_no_warning(tmp_path: Path, terminal: Warnings) -> None:
    assert files.save(terminal, "events", tmp_path / "report", "new") is True
    assert terminal.lines == []


def test_stream_into_a_pipe_is_refused(tmp_path: Path) -> None:
    from pytest_concurrent.reporting.files import open_stream

    os.mkfifo(tmp_path / "pipe")
    lines: list[str] = []

    class Told(Terminal):
        def __init__(self) -> None:
            pass

        def warning(self, line: str) -> None:
            lines.append(line)

    assert open_stream(Told(), "events", tmp_path / "pipe") is None
    assert "not a regular file" in lines[0]
