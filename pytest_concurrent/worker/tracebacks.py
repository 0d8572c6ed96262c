"""Tracebacks without our own frames, where all frames are shown."""

from __future__ import annotations

from itertools import pairwise
from types import TracebackType

import pytest

from pytest_concurrent.worker import fixtures


class OwnFramesHidden:
    """Takes the frames of our fixture clock out of tracebacks before they become reports."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        """Relink the traceback of a failed phase around our frames."""
        if call.excinfo is not None:
            _relink(call.excinfo.tb)


def install(config: pytest.Config) -> None:
    """Hide our frames if the user asked for frames that pytest usually hides."""
    # Without pytest's terminal reporter there are no such options.
    if config.getoption("fulltrace", False) or config.getoption("tbstyle", "") == "native":
        config.pluginmanager.register(OwnFramesHidden(), "pytest_concurrent_tracebacks")


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
    return traceback.tb_frame.f_code.co_filename == fixtures.__file__
