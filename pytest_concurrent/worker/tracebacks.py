"""Tracebacks without our own frames, which are not there in a sequential run."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from types import TracebackType

import pytest

#: The one file of ours that a fixture's exception passes through on its way to the report.
_OWN_FILE = str(Path(__file__).with_name("fixtures.py"))
_NAME = "pytest_concurrent_tracebacks"


class OwnFramesHidden:
    """Takes the frames of our fixture clock out of tracebacks before they become reports."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        """Relink the traceback of a failed phase around our frames."""
        if call.excinfo is not None:
            _relink(call.excinfo.tb)


def hide_own_frames(config: pytest.Config) -> None:
    """From now on take our frames out of reports. For when the first fixture has failed.

    A mark on the frame would not do: with `--full-trace` and `--tb=native` pytest shows marked
    frames, and a failure that has no other frames outside of pytest would show none.
    """
    if not config.pluginmanager.hasplugin(_NAME):
        config.pluginmanager.register(OwnFramesHidden(), _NAME)


def _relink(traceback: TracebackType) -> None:
    entries: list[TracebackType] = []
    following: TracebackType | None = traceback
    while following is not None:
        if _is_ours(following):
            # What called us is pluggy, which is here only to call us.
            entries.pop()
        else:
            entries.append(following)
        following = following.tb_next
    for entry, successor in pairwise(entries):
        entry.tb_next = successor


def _is_ours(traceback: TracebackType) -> bool:
    return traceback.tb_frame.f_code.co_filename == _OWN_FILE
