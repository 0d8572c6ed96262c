"""pytest-bdd keeps what it knows of a scenario beside the report, where it would stay behind."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any

import pytest

#: The attribute under which it travels with the report.
_TRAVELS = "_pytest_bdd_context"


class ScenariosTravel:
    """Packs a scenario into its report in the worker, and puts it back in the controller."""

    def __init__(self, reporting: Any) -> None:
        self._reporting = reporting

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        """In the worker, after pytest-bdd."""
        report = yield
        context = self._reporting.test_report_context_registry.get(report)
        if context is not None:
            setattr(report, _TRAVELS, [context.scenario, context.name])
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """In the controller, before its reporters."""
        packed = report.__dict__.pop(_TRAVELS, None)
        if packed is not None:
            scenario, name = packed
            context = self._reporting.ReportContext(scenario=scenario, name=name)
            self._reporting.test_report_context_registry[report] = context


def attend(config: pytest.Config) -> None:
    """Care for scenarios, if pytest-bdd is there."""
    reporting = sys.modules.get("pytest_bdd.reporting")
    if reporting is not None:
        config.pluginmanager.register(ScenariosTravel(reporting), "pytest_concurrent_bdd")
