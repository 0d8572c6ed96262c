"""The files of the project, as the house tests read them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_NEVER = {".git", ".venv", "target", "__pycache__"}


@cache
def project_files() -> tuple[Path, ...]:
    """Every file that is or could be committed, relative to the root."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        ).stdout.split("\0")
        found = [Path(name) for name in listed if name]
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive
        found = [path.relative_to(ROOT) for path in ROOT.rglob("*")]
    kept = (path for path in found if not _NEVER.intersection(path.parts))
    return tuple(sorted(path for path in kept if (ROOT / path).is_file()))


def files(*folders: str, suffix: str) -> Iterator[Path]:
    """Files below some folders of the root whose name ends so."""
    for path in project_files():
        if path.suffix == suffix and path.parts[0] in folders:
            yield path


def text(path: Path) -> str:
    """What a file of the project says; bytes that are no text become question marks."""
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")
