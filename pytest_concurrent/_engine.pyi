"""The engine of pytest-concurrent, compiled from Rust."""

from collections.abc import Sequence, Set
from os import PathLike
from typing import Literal, final

from pytest_concurrent.timing_utils import Timing

__all__ = [
    "History",
    "merge_timing_files",
    "prune_timing_file",
    "read_timings",
    "write_timings",
]

@final
class History:
    """What earlier runs measured, and what this run adds.

    Args:
        cache: Our own timing file, in pytest's cache folder; ``None`` keeps nothing
            after the run. A missing file is an empty one. One that cannot be read is
            renamed to ``*.bad``, and ``warning`` says so.
    """

    def __new__(cls, cache: str | PathLike[str] | None = None) -> History: ...
    @property
    def warning(self) -> str | None:
        """One line for the user if the cache could not be read and was set aside."""

    def __len__(self) -> int:
        """How many tests are known."""

    def import_file(self, path: str | PathLike[str]) -> int:
        """Add a file that the user named, in any format that is read; it is never changed.

        The newer timestamp wins; undated entries only fill gaps.

        Returns:
            How many of its values were refused (negative, infinite, absurdly long).

        Raises:
            FileNotFoundError: There is no such file.
            PermissionError: It may not be read, or everybody may write it.
            OSError: It is no regular file, or the system refused otherwise.
            ValueError: Its content is in none of the formats; with line and column.
        """

    def resolve(self, nodeids: Sequence[str]) -> None:
        """Give dotted ids (``module.Class.method``) the node ids that were collected."""

    def estimates(
        self, nodeids: Sequence[str], *, imported_only: bool = False
    ) -> list[float | None]:
        """Seconds that each test itself is thought to take; ``None`` = never seen.

        Args:
            nodeids: The tests.
            imported_only: Look at the imported files only, not at the cache, so that every
                machine with the same files computes the same.
        """

    def fixture_costs(
        self, keys: Sequence[str], *, imported_only: bool = False
    ) -> list[float | None]:
        """Seconds that each shared set-up is thought to take; ``None`` = never seen."""

    def record(
        self,
        nodeid: str,
        status: str,
        duration: float,
        *,
        setup: float = 0.0,
        timestamp: float,
        worker: str | None = None,
    ) -> None:
        """Note what became of a test in this run.

        Args:
            nodeid: The test.
            status: passed, failed, error, skipped, xfailed, xpassed, timeout or crashed.
                Only passed, xfailed and xpassed runs move the average.
            duration: Seconds of its own set-up, call and teardown.
            setup: Seconds of its own set-up, a part of ``duration``.
            timestamp: When it ended, in unix seconds.
            worker: The worker that ran it.

        Raises:
            ValueError: The status is none of these, or a number is no timing.
        """

    def record_fixture(self, key: str, seconds: float, timestamp: float) -> None:
        """Note how many seconds a shared set-up took, and when (unix seconds).

        Raises:
            ValueError: A number is no timing.
        """

    def save(self) -> str | None:
        """Write the cache: what this run measured is folded into what the file says by now.

        Returns:
            One line for the user if the file that was there could not be read.

        Raises:
            OSError: It cannot be written; ``TimeoutError`` when another process holds its
                lock for 10 seconds.
        """

    def export(
        self, path: str | PathLike[str], format: Literal["json", "csv"] | None = None
    ) -> None:
        """Write the tests of this run over what was imported.

        Args:
            path: The file; what is there is replaced.
            format: ``None`` = by the suffix: ``.csv`` is CSV, everything else JSON.

        Raises:
            OSError: It cannot be written, is a symbolic link, or everybody may write it.
        """

def read_timings(path: str | PathLike[str]) -> tuple[dict[str, Timing], int]:
    """Read a timing file in any format.

    Returns:
        The tests, sorted by node id, and how many values were refused.

    Raises:
        OSError: It cannot be read.
        ValueError: Its content is in none of the formats.
    """

def write_timings(
    timings: dict[str, Timing] | dict[str, float] | dict[str, Timing | float],
    path: str | PathLike[str],
    format: Literal["json", "csv"] | None = None,
) -> int:
    """Write a timing file: whole, or not at all.

    Args:
        timings: Per node id a dict of which only ``duration`` must be there, or seconds.
        path: The file; what is there is replaced.
        format: ``None`` = by the suffix: ``.csv`` is CSV, everything else JSON.

    Returns:
        How many values were no timings and were left out.

    Raises:
        OSError: It cannot be written.
    """

def merge_timing_files(
    paths: Sequence[str | PathLike[str]],
    output: str | PathLike[str],
    format: Literal["json", "csv"] | None = None,
) -> tuple[int, int]:
    """Merge timing files into one: the newer timestamp wins, undated entries fill gaps.

    Returns:
        How many tests the output has, and how many values were refused.

    Raises:
        OSError: A file cannot be read or written.
        ValueError: The content of a file is in none of the formats.
    """

def prune_timing_file(
    path: str | PathLike[str], *, before: float | None = None, keep: Set[str] | None = None
) -> tuple[int, int]:
    """Drop tests from a timing file, under its lock.

    Args:
        path: The file.
        before: Drop what ran last before this moment (unix seconds); undated tests stay.
        keep: Drop the tests that are not among these node ids.

    Returns:
        How many tests went, and how many are left.

    Raises:
        OSError: It cannot be read or written.
        ValueError: Its content is in none of the formats.
    """
