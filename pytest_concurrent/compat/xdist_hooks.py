"""The hooks of pytest-xdist, for suites and plugins that implement them.

They are called on workers of ours too, with the same arguments at the same moments. Where
pytest-xdist is loaded it has specified them itself; where it is not, or is blocked, this does, so
that a conftest that implements them is valid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import pytest


@pytest.hookspec
def pytest_xdist_setupnodes(config: pytest.Config, specs: Sequence[object]) -> None:
    """Called before the first worker is set up."""


@pytest.hookspec
def pytest_xdist_newgateway(gateway: object) -> None:
    """Called for each worker, before `pytest_configure_node`."""


@pytest.hookspec
def pytest_xdist_rsyncstart(source: object, gateways: Sequence[object]) -> None:
    """Never called: all workers run on this machine."""


@pytest.hookspec
def pytest_xdist_rsyncfinish(source: object, gateways: Sequence[object]) -> None:
    """Never called: all workers run on this machine."""


@pytest.hookspec(firstresult=True)
def pytest_xdist_getremotemodule() -> Any:
    """Never called: workers run what we start them with."""


@pytest.hookspec
def pytest_configure_node(node: object) -> None:
    """Called before a worker starts: what is put into `node.workerinput` reaches it."""


@pytest.hookspec
def pytest_testnodeready(node: object) -> None:
    """Called when a worker is ready to run tests."""


@pytest.hookspec
def pytest_testnodedown(node: object, error: object | None) -> None:
    """Called when a worker has left (None) or died (the reason)."""


@pytest.hookspec
def pytest_xdist_node_collection_finished(node: object, ids: Sequence[str]) -> None:
    """Called when it is known which tests a worker has."""


@pytest.hookspec(firstresult=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Never called: tests are scheduled by us. Who implements it is told so."""


@pytest.hookspec(firstresult=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Say how many workers `auto` stands for."""


@pytest.hookspec(firstresult=True)
def pytest_handlecrashitem(crashitem: str, report: pytest.TestReport, sched: object) -> None:
    """Called when a worker died with a test.

    To have the test run again, set `report.outcome` to "rerun" and call
    `sched.mark_test_pending(crashitem)`.
    """


#: All of them, by name.
SPECIFIED = {name: value for name, value in list(globals().items()) if name.startswith("pytest_")}

#: Whose implementations are part of the machinery and ask for nothing.
_OWN_MODULES = ("xdist.", "pytest_concurrent.")


def specify(pluginmanager: pytest.PytestPluginManager) -> None:
    """Make valid what pytest-xdist would make valid; where it is loaded there is nothing to do.

    Call it in `pytest_configure`: earlier pytest-xdist may still come, and its own specifications
    would then end pytest.
    """
    missing = {
        name: function
        for name, function in SPECIFIED.items()
        if (hook := getattr(pluginmanager.hook, name, None)) is None or not hook.has_spec()
    }
    if missing:
        namespace = ModuleType(__name__)
        vars(namespace).update(missing)
        pluginmanager.add_hookspecs(namespace)


def implementations(config: pytest.Config, name: str) -> Iterator[Any]:
    """Implementations of one of the hooks by anybody but pytest-xdist itself."""
    for implementation in getattr(config.hook, name).get_hookimpls():
        module = getattr(implementation.function, "__module__", None) or ""
        if not module.startswith(_OWN_MODULES):
            yield implementation


def are_implemented(config: pytest.Config) -> bool:
    """Whether anybody wants to hear of workers as under pytest-xdist."""
    return any(any(implementations(config, name)) for name in SPECIFIED)
