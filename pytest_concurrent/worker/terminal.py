"""A stand-in for the terminal reporter: the controller reports, but others look for it here too."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from _pytest._io import TerminalWriter

from pytest_concurrent.payload.written import Written


class TerminalStandIn:
    """Answers to `terminalreporter` in a worker.

    It has none of the reporter's hooks. Everything else is the reporter's own, but what is written
    through it (`--setup-show`, live logging) goes to a buffer that travels with the test.
    """

    def __init__(self, reporter: Any) -> None:
        self._reporter = reporter
        self._buffer = StringIO()
        self._written: Written = []
        writer = TerminalWriter(self._buffer)
        writer.hasmarkup = reporter._tw.hasmarkup
        writer.code_highlight = reporter._tw.code_highlight
        writer.fullwidth = reporter._tw.fullwidth
        self._tw = writer

    def resemble(self, markup: bool, highlight: bool, width: int) -> None:
        """Write as for the controller's terminal, and forget what was written before."""
        self._tw.hasmarkup, self._tw.code_highlight, self._tw.fullwidth = markup, highlight, width
        self.take()

    def take(self) -> Written:
        """What was written since the last call."""
        self._keep_text()
        written, self._written = self._written, []
        return written

    def _keep_text(self) -> None:
        if self._buffer.tell():
            self._written.append(self._buffer.getvalue())
            self._buffer.seek(0)
            self._buffer.truncate()

    def write_to(self, file: Any) -> None:
        """Write to this file at once, for somebody who waits at it; None = to the buffer again."""
        self._tw._file = self._buffer if file is None else file

    # What writes must write here; the rest of the reporter's surface reads.
    def write(self, content: str, *, flush: bool = False, **markup: bool) -> None:
        """As the reporter's."""
        self._tw.write(content, flush=flush, **markup)

    def write_line(self, line: str | bytes, **markup: bool) -> None:
        """As the reporter's."""
        text = line if isinstance(line, str) else str(line, errors="replace")
        self.ensure_newline()
        self._tw.line(text, **markup)

    def write_sep(self, sep: str, title: str | None = None, **markup: bool) -> None:
        """As the reporter's."""
        self.ensure_newline()
        self._tw.sep(sep, title, **markup)

    def section(self, title: str, sep: str = "=", **kw: bool) -> None:
        """As the reporter's."""
        self._tw.sep(sep, title, **kw)

    def line(self, msg: str, **kw: bool) -> None:
        """As the reporter's."""
        self._tw.line(msg, **kw)

    def ensure_newline(self) -> None:
        """As the reporter's. Only that one knows whether a line is begun, say with letters."""
        self._keep_text()
        self._written.append(None)

    def flush(self) -> None:
        """There is nothing to flush to."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("pytest_"):
            raise AttributeError(name)
        return getattr(self._reporter, name)


def install(config: pytest.Config) -> TerminalStandIn | None:
    """Put a stand-in in the reporter's place; None if there is no reporter."""
    manager = config.pluginmanager
    reporter = manager.getplugin("terminalreporter")
    if reporter is None or isinstance(reporter, TerminalStandIn):
        return reporter
    stand_in = TerminalStandIn(reporter)
    manager.unregister(reporter)
    manager.register(stand_in, "terminalreporter")
    logging_plugin = manager.getplugin("logging-plugin")
    handler: Any = getattr(logging_plugin, "log_cli_handler", None)
    if hasattr(handler, "stream"):
        handler.stream = stand_in
    return stand_in
