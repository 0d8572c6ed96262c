"""What workers write past the capture, shown as it comes."""

from __future__ import annotations

import codecs
import sys
from collections import defaultdict
from collections.abc import Callable

from pytest_concurrent.reporting.batch import BatchedFile

_utf8 = codecs.getincrementaldecoder("utf-8")


class LiveOutput:
    """Writes what workers wrote to the streams that they wrote it to.

    With several workers each line begins with the worker's name. A line whose beginning was shown
    goes on where it is, unless something else has been written since.

    Args:
        named: Whether lines begin with the worker's name.
        leave_line: Ends pytest's line of progress.
    """

    def __init__(self, *, named: bool, leave_line: Callable[[], None]) -> None:
        self._named = named
        self._leave_line = leave_line
        self._unfinished: tuple[int, int] | None = None
        # A character may come in two pieces.
        self._decoders = defaultdict[tuple[int, int], codecs.IncrementalDecoder](
            lambda: _utf8("replace")
        )

    def show(self, slot: int, stream: int, text: bytes) -> None:
        """Show lines of a worker, or the beginning of one.

        Args:
            slot: Which worker.
            stream: 1 for stdout, 2 for stderr.
            text: What it wrote.
        """
        place = (slot, stream)
        decoded = self._decoders[place].decode(text)
        if self._unfinished != place:
            self.finish_line()
            self._leave_line()
        if self._named and decoded:
            decoded = self._with_name(place, decoded)
        if stream == 2 and isinstance(sys.stdout, BatchedFile):
            sys.stdout.release()  # what was written before it comes before it
        file = sys.stdout if stream == 1 else sys.stderr
        file.write(decoded)
        file.flush()

    def finish_line(self) -> None:
        """Something else may be written next: an unfinished line is not to run into it."""
        if self._unfinished is not None:
            self._unfinished = None
            sys.stdout.write("\n")

    def _with_name(self, place: tuple[int, int], text: str) -> str:
        goes_on = self._unfinished == place
        *lines, rest = text.split("\n")
        pieces = [f"{line}\n" for line in lines] + ([rest] if rest else [])
        self._unfinished = place if rest else None
        name = f"[gw{place[0]}] "
        return ("" if goes_on else name) + name.join(pieces)
