"""Which of pytest's hooks reach whom in a worker."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_concurrent.compat import forked
from pytest_concurrent.worker.sender import Sender

_SENDER = "pytest_concurrent_sender"

#: Reports are replayed in the controller, where everybody hears them once. In a worker they
#: reach pytest's session (which counts failures), its logging, and the sender.
_HEARD_IN_WORKERS = ("session", "logging-plugin", _SENDER)
_REPLAYED = (
    "pytest_runtest_logstart",
    "pytest_runtest_logreport",
    "pytest_runtest_logfinish",
    "pytest_warning_recorded",
)

#: A session was begun once, in the controller; who ends it here says so by these names.
_WORKER_NAMES = frozenset({"workerinput", "workeroutput", "PYTEST_XDIST_WORKER", "is_xdist_worker"})


def silence(config: pytest.Config) -> None:
    """Let nobody hear of reports and warnings who hears of them in the controller."""
    for name in _REPLAYED:
        hook: Any = getattr(config.hook, name)
        for implementation in list(hook.get_hookimpls()):
            if implementation.plugin_name not in _HEARD_IN_WORKERS and not forked.listens_here(
                implementation.function
            ):
                hook._remove_plugin(implementation.plugin)


def install(config: pytest.Config, sender: Sender) -> None:
    """Route reports and warnings to the sender only."""
    silence(config)
    # The hook remembers its calls and repeats them to whoever comes later: without this every
    # worker would send the warnings of the collection again.
    history: Any = config.hook.pytest_warning_recorded
    history._call_history.clear()
    config.pluginmanager.register(sender, _SENDER)


def tell_ending(session: pytest.Session, exitstatus: int) -> None:
    """Put into `workeroutput` how the session ended in this process, as pytest-xdist does."""
    shaped: Any = session.config
    shaped.workeroutput.update(
        exitstatus=exitstatus, shouldfail=session.shouldfail, shouldstop=session.shouldstop
    )


def finish_session(session: pytest.Session, exitstatus: int) -> None:
    """Call `pytest_sessionfinish` of plugins that are made for workers.

    The others would tear down what the controller's `pytest_sessionstart` made for all.
    """
    for implementation in session.config.hook.pytest_sessionfinish.get_hookimpls():
        function = implementation.function
        if forked.finishes_here(function) or _speaks_of_workers(function):
            known = {"session": session, "exitstatus": exitstatus}
            arguments = [known[name] for name in implementation.argnames]
            if implementation.hookwrapper or implementation.wrapper:
                continue
            implementation.function(*arguments)


def _speaks_of_workers(function: Any) -> bool:
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is None or (getattr(function, "__module__", "") or "").startswith("_pytest."):
        return False
    return not _WORKER_NAMES.isdisjoint({*code.co_names, *map(str, code.co_consts)})
