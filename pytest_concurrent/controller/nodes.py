"""Workers as plugins for pytest-xdist see them, told from what the supervisor says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_concurrent.compat import cov, xdist_hooks
from pytest_concurrent.compat.xdist_inputs import WorkerInputs
from pytest_concurrent.compat.xdist_nodes import Node, Nodes


class NodeTeller:
    """Tells nobody anything, as there is nobody who asks; `of` makes the one that tells.

    Attributes:
        inputs: What plugins give to each worker; None where none has a say in it.
        workerinputs: The same for the first worker on each slot.
        judge_crashes: Whether a plugin may want a test to run again whose worker died.
        warnings: Lines for the header.
    """

    inputs: WorkerInputs | None = None
    workerinputs: Sequence[dict[str, Any]] = ()
    judge_crashes = False
    warnings: Sequence[str] = ()

    @staticmethod
    def of(config: pytest.Config, workers: int, run_id: str) -> NodeTeller:
        """One that tells, if anybody implements a hook of pytest-xdist."""
        if not xdist_hooks.are_implemented(config):
            return NodeTeller()
        return _TellingNodes(config, workers, run_id)

    def replacing(self, slot: int, attempt: int) -> None:
        """A worker is being started where another has been."""

    def ready(self, slot: int, pid: int, items: Sequence[pytest.Item]) -> None:
        """A worker is ready and has these tests."""

    def finished(self, slot: int, output: Any) -> None:
        """A worker said goodbye and left this."""

    def died(self, slot: int, reason: str) -> None:
        """A worker is gone without goodbye."""

    def runs_again(self, nodeid: str, report: pytest.TestReport) -> bool:
        """Whether a test runs again whose worker died; its report may be changed."""
        return False

    def of_report(self, slot: int) -> Node | None:
        """The node that reports from this slot carry; None where nobody looks for one."""
        return None

    def close(self) -> None:
        """No worker is left, and none will come."""


class _TellingNodes(NodeTeller):
    def __init__(self, config: pytest.Config, workers: int, run_id: str) -> None:
        self._nodes = Nodes(config, workers, run_id, cov.deaf(config))
        self._ids: list[str] = []
        self._inputs = WorkerInputs(self._nodes.workerinputs)
        self.inputs = self._inputs
        self.workerinputs = self._nodes.workerinputs
        self.judge_crashes = any(xdist_hooks.implementations(config, "pytest_handlecrashitem"))
        self.warnings = [
            f"pytest_xdist_make_scheduler of {implementation.plugin_name} is not called: "
            "marks, --concurrent-group and pytest_concurrent_group say how tests are spread"
            for implementation in xdist_hooks.implementations(config, "pytest_xdist_make_scheduler")
        ]

    def replacing(self, slot: int, attempt: int) -> None:
        self._inputs.send(slot, attempt, self._nodes.replace(slot))

    def ready(self, slot: int, pid: int, items: Sequence[pytest.Item]) -> None:
        self._ids = self._ids or [item.nodeid for item in items]
        self._nodes.ready(slot, pid, self._ids)

    def finished(self, slot: int, output: Any) -> None:
        self._nodes.finished(slot, output)

    def died(self, slot: int, reason: str) -> None:
        self._nodes.died(slot, reason)

    def runs_again(self, nodeid: str, report: pytest.TestReport) -> bool:
        return self._nodes.runs_again(nodeid, report)

    def of_report(self, slot: int) -> Node | None:
        return self._nodes.node(slot) if self._nodes.are_shown else None

    def close(self) -> None:
        self._inputs.close()
        self._nodes.all_gone()
