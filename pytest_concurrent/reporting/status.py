"""What a run is doing, for somebody who asks."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_concurrent._engine import WorkerStatus
from pytest_concurrent.reporting import stacks
from pytest_concurrent.reporting.terminal import Terminal
from pytest_concurrent.reporting.units import age, counted

#: What a worker that runs no test is doing.
_WORDS = {
    "vacant": "no worker",
    "starting": "starting",
    "debugging": "in a debugger",
    "waiting": "waiting for a test",
    "between tests": "between tests",
    "testing": "between tests",
    "leaving": "tearing down and leaving",
}


class StatusReport:
    """Says it in lines.

    Args:
        terminal: Where to.
        nodeids: The collected tests, by number.
        estimates: Seconds that each usually takes; ``None`` where unknown.
    """

    def __init__(
        self, terminal: Terminal, nodeids: Sequence[str], estimates: Sequence[float | None]
    ) -> None:
        self._terminal = terminal
        self._nodeids = nodeids
        self._estimates = estimates

    def tell(self, statuses: Sequence[WorkerStatus]) -> None:
        """Write what each slot does, with the stacks of the running tests.

        Args:
            statuses: One for each slot.
        """
        busy = sum(status.test is not None for status in statuses)
        self._terminal.between_tests(f" {counted(busy, 'test')} running", word="concurrent:")
        for status in statuses:
            for line in self._lines(status):
                self._terminal.between_tests(line)

    def _lines(self, status: WorkerStatus) -> list[str]:
        name = f"gw{status.slot}" + (f" (process {status.pid})" if status.pid else "")
        if status.test is None:
            return [f"{name}: {_WORDS[status.standing]}"]
        usual = self._estimates[status.test]
        usually = "" if usual is None else f", usually {age(usual)}"
        debugged = ", in a debugger" if status.standing == "debugging" else ""
        head = f"{self._nodeids[status.test]} running for {age(status.elapsed)}{usually}{debugged}"
        told = [*stacks.readable(status.stacks), *stacks.native(status.native)]
        return [f"{name}: {head}", *(f"    {line}".rstrip() for line in told)]
