"""What workers report, told once more in the controller, where everybody listens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pytest

from pytest_concurrent._engine import Evidence
from pytest_concurrent.controller import stepwise, verdicts
from pytest_concurrent.controller.nodes import NodeTeller
from pytest_concurrent.controller.order import TellingOrder
from pytest_concurrent.payload import junit, reports, shape, written
from pytest_concurrent.payload import warnings as packed_warnings


class Replay:
    """Calls pytest's reporting hooks as a sequential run would, one whole test at a time.

    Args:
        session: The session; its items are the tests by number.
        run_id: The run's id.
        nodes: Tells plugins of workers.
        several_workers: Whether there is more than one slot.
    """

    def __init__(
        self,
        session: pytest.Session,
        run_id: str,
        nodes: NodeTeller,
        *,
        several_workers: bool,
    ) -> None:
        self.several_workers = several_workers
        self._config = session.config
        self._items = session.items
        self._run_id = run_id
        self._nodes = nodes
        self._suspects: dict[int, list[pytest.TestReport]] = {}
        self._order = TellingOrder(self._config, self._items)
        self._failed: set[int] = set()
        self._names_worker = bool(self._config.getoption("xmlpath", None))

    def begin(self) -> None:
        """The run has begun: results of several files will arrive in turn."""
        reporter: Any = self._config.pluginmanager.getplugin("terminalreporter")
        if self.several_workers and reporter is not None and hasattr(reporter, "showfspath"):
            # A line for each change of file would be confusing.
            reporter.showfspath = False

    def ended(self, slot: int, number: int, payload: Any) -> None:
        """A worker reported a test."""
        self._tell_test(number, slot, *self._unpacked(slot, number, payload))

    def broken_off(self, slot: int, number: int, payload: Any) -> None:
        """A worker reported a test that `pytest.exit` or Ctrl-C ended: pytest was still in it."""
        self._tell_test(number, slot, *self._unpacked(slot, number, payload), over=False)

    def between_tests(self, slot: int, payload: Any, after: int) -> None:
        """A worker reported something after this test, its last: an error in a late teardown."""
        try:
            number, (packed, shared, *others) = payload
            told, rest = reports.unpack(packed, shared, self._items[number]), _rest(others)
        except Exception as error:  # whatever a damaged payload leads to
            number, rest = after, None
            text = f"what worker gw{slot} said between tests cannot be read: {error}"
            told = [verdicts.teardown_error(self._items[number], text)]
        self._tell(self._items[number].ihook, number, slot, told, rest)
        self._tell_warnings(rest)

    def failed(self, number: int, slot: int, text: str, evidence: Evidence | None) -> None:
        """A test failed without reporting itself."""
        told = self._suspects.pop(number, None) or self._failure(number, text, evidence)
        self._tell_test(number, slot, told)

    def runs_again(self, number: int, slot: int, text: str, evidence: Evidence | None) -> bool:
        """Ask plugins whether a test whose worker died runs again; if so, tell this attempt."""
        item = self._items[number]
        told = self._failure(number, text, evidence)
        self._shape(told[0], number, slot)
        again = self._nodes.runs_again(item.nodeid, told[0])
        if again:
            self._tell_test(number, slot, told)
        else:
            self._suspects[number] = told
        return again

    def _failure(
        self, number: int, text: str, evidence: Evidence | None
    ) -> list[pytest.TestReport]:
        seconds = evidence.elapsed if evidence else 0.0
        told = verdicts.failure_reports(self._items[number], text, seconds)
        told[0].sections = verdicts.sections(evidence)
        return told

    def not_run(self, number: int, text: str) -> None:
        """A test that should have run did not."""
        self._tell_test(number, None, verdicts.error_reports(self._items[number], text))

    def error_after(self, number: int, slot: int, text: str, evidence: Evidence) -> None:
        """Something went wrong on a worker after this test, its last one."""
        item = self._items[number]
        report = verdicts.teardown_error(item, text)
        report.sections = verdicts.sections(evidence)
        self._log(item.ihook, number, slot, report)

    def finish(self, not_run: Iterable[int]) -> None:
        """Everything was told: put what will be listed in order, and mark the next step.

        Args:
            not_run: The tests that did not run.
        """
        self._order.restore()
        stepwise.store(self._config, self._items, self._failed, not_run)

    def _unpacked(
        self, slot: int, number: int, payload: Any
    ) -> tuple[list[pytest.TestReport], _Rest | None]:
        item = self._items[number]
        try:
            packed, shared, *others = payload
            return reports.unpack(packed, shared, item), _rest(others)
        except Exception as error:  # whatever a damaged payload leads to
            text = f"the report of worker gw{slot} cannot be read: {type(error).__name__}: {error}"
            return verdicts.failure_reports(item, text, 0.0), None

    def _tell_test(
        self,
        number: int,
        slot: int | None,
        told: list[pytest.TestReport],
        rest: _Rest | None = None,
        *,
        over: bool = True,
    ) -> None:
        item = self._items[number]
        ihook = item.ihook
        ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        self._tell(ihook, number, slot, told, rest)
        if over:
            ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        self._tell_warnings(rest)
        self._order.told(number)

    def _tell(
        self,
        ihook: Any,
        number: int,
        slot: int | None,
        told: list[pytest.TestReport],
        rest: _Rest | None,
    ) -> None:
        if rest is None:
            for report in told:
                self._log(ihook, number, slot, report)
            return
        junit.apply(rest.xml, self._config)
        for place, report in enumerate(told):
            written.write(rest.texts, place, self._config)
            self._log(ihook, number, slot, report)
        written.write(rest.texts, len(told), self._config)

    def _tell_warnings(self, rest: _Rest | None) -> None:
        for warning in rest.warnings if rest is not None else ():
            self._config.hook.pytest_warning_recorded.call_historic(kwargs=warning)

    def _log(self, ihook: Any, number: int, slot: int | None, report: pytest.TestReport) -> None:
        if report.outcome == "failed":
            self._failed.add(number)
        self._shape(report, number, slot)
        if slot is not None and self._names_worker and report.when == "teardown":
            report.user_properties.append(("worker", f"gw{slot}"))
        ihook.pytest_runtest_logreport(report=report)

    def _shape(self, report: pytest.TestReport, number: int, slot: int | None) -> None:
        shaped: Any = report
        shaped.item_index = number
        shaped.testrun_uid = self._run_id
        if slot is not None:
            shaped.worker_id = f"gw{slot}"
            node = self._nodes.of_report(slot)
            if node is not None:
                shaped.node = node


class _Rest(NamedTuple):
    """What a worker had to say beside its reports."""

    warnings: list[dict[str, Any]]
    xml: list[junit.Packed]
    texts: written.Placed


def _rest(told: Sequence[Any]) -> _Rest | None:
    if not told:
        return None
    warnings, xml, texts = told
    shape.check_written(texts)
    return _Rest([packed_warnings.unpack(one) for one in warnings], junit.unpack(xml), texts)
