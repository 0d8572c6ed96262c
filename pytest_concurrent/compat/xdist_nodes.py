"""Workers in the shape that plugins for pytest-xdist know: nodes with gateways.

They exist only where somebody implements a hook of pytest-xdist: nobody else could see them.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from pytest_concurrent.compat import xdist_hooks

#: Packages that hear of nodes and do not look for one in a report. Their presence does not change
#: what the terminal says; the presence of anybody else's hook does, as under pytest-xdist.
_NEED_NO_NODE = (
    "pytest_cov",
    "pytest_django",
    "pytest_metadata",
    "pytest_randomly",
    "pytest_rerunfailures",
    "pytest_sugar",
    "syrupy",
)


@dataclass
class Spec:
    """Where a worker runs: here.

    Attributes:
        id: The slot's name.
        popen: Whether it is a process of this machine.
        chdir: The folder that it was told to change to.
        python: The interpreter that it was told to use.
        env: Variables that it was told to set.
    """

    id: str
    popen: bool = True
    chdir: str | None = None
    python: str | None = None
    env: dict[str, str] = field(default_factory=dict)


class RInfo(NamedTuple):
    """What a gateway knows of its process."""

    executable: str
    version_info: tuple[int, int, int, str, int]
    platform: str
    cwd: str
    pid: int | None


class Gateway:
    """A worker's place.

    Attributes:
        id: The slot's name, `gw0`. A replacement has the name of its predecessor.
        spec: Where it runs.
        node: The worker that stands there.
    """

    def __init__(self, spec: Spec) -> None:
        self.id = spec.id
        self.spec = spec
        self.node: Node | None = None
        self.pid: int | None = None

    def _rinfo(self) -> RInfo:
        """Of the process: interpreter, version, platform, folder, id (None before it is ready)."""
        version: Any = tuple(sys.version_info)
        return RInfo(sys.executable, version, sys.platform, os.getcwd(), self.pid)

    def __repr__(self) -> str:
        return f"<Gateway {self.id}>"


class NodeManager:
    """All workers of a run.

    Attributes:
        config: pytest's configuration.
        testrunuid: The run's id.
        specs: One for each slot.
        roots: Folders to copy to other machines: none.
    """

    def __init__(self, config: pytest.Config, run_id: str, specs: Sequence[Spec]) -> None:
        self.config = config
        self.testrunuid = run_id
        self.specs = list(specs)
        self.roots: list[str] = []


class Node:
    """One worker process. `workeroutput` is there only when it has left as it should.

    Attributes:
        gateway: Its place.
        config: pytest's configuration, in the controller.
        nodemanager: All workers.
        workerinput: What it is given as `config.workerinput`.
        workerinfo: Facts about its process; empty until it is ready.
        shutting_down: Whether it has left or died.
    """

    def __init__(self, gateway: Gateway, manager: NodeManager) -> None:
        self.gateway = gateway
        self.config = manager.config
        self.nodemanager = manager
        self.workerinput: dict[str, Any] = {
            "workerid": gateway.id,
            "workercount": len(manager.specs),
            "testrunuid": manager.testrunuid,
            "mainargv": sys.argv,
        }
        self.workerinfo: dict[str, Any] = {}
        self.shutting_down = False
        gateway.node = self

    def log(self, *words: object) -> None:
        """Write a line for who debugs workers."""
        logging.getLogger("pytest_concurrent").debug("%s: %s", self.gateway.id, words)

    def __repr__(self) -> str:
        return f"<Node {self.gateway.id}>"


class Scheduler:
    """What `pytest_handlecrashitem` may ask of the schedule.

    Attributes:
        config: pytest's configuration.
        nodes: The workers.
        again: Whether the test is to run again.
    """

    def __init__(self, config: pytest.Config, nodes: list[Node]) -> None:
        self.config = config
        self.nodes = nodes
        self.again = False

    def mark_test_pending(self, item: str) -> None:
        """Have the test that crashed run again."""
        self.again = True


class Nodes:
    """Tells plugins of the workers of a run, as pytest-xdist would.

    Args:
        config: pytest's configuration.
        workers: Number of slots.
        run_id: The run's id.
        deaf: Plugins that are not to be told: in their present state they would fail.
    """

    def __init__(
        self, config: pytest.Config, workers: int, run_id: str, deaf: Sequence[object] = ()
    ) -> None:
        specs = [Spec(f"gw{slot}") for slot in range(workers)]
        self._config = config
        self._deaf = list(deaf)
        self._manager = NodeManager(config, run_id, specs)
        self._gateways = [Gateway(spec) for spec in specs]
        self._call("pytest_xdist_setupnodes", config=config, specs=self._manager.specs)
        self._nodes = [self._configured(gateway) for gateway in self._gateways]
        #: Whether reports carry the node that they come from.
        self.are_shown = _are_looked_for(config)

    @property
    def workerinputs(self) -> list[dict[str, Any]]:
        """What each worker is given, by slot."""
        return [node.workerinput for node in self._nodes]

    def node(self, slot: int) -> Node:
        """The worker that stands on a slot, or stood there last."""
        return self._nodes[slot]

    def replace(self, slot: int) -> dict[str, Any]:
        """A new process is being started on a slot: what it is given."""
        self._down(self._nodes[slot], "did not start")
        gateway = self._gateways[slot]
        gateway.pid = None
        self._nodes[slot] = self._configured(gateway)
        return self._nodes[slot].workerinput

    def ready(self, slot: int, pid: int, ids: Sequence[str]) -> None:
        """A worker is ready and has these tests."""
        node = self._nodes[slot]
        node.gateway.pid = pid
        node.workerinfo = _info(node.gateway)
        self._call("pytest_testnodeready", node=node)
        self._call("pytest_xdist_node_collection_finished", node=node, ids=ids)

    def finished(self, slot: int, output: object) -> None:
        """A worker said goodbye and left this."""
        node: Any = self._nodes[slot]
        if isinstance(output, dict):
            node.workeroutput = output
        self._down(node, None)

    def died(self, slot: int, reason: str) -> None:
        """A worker is gone without goodbye."""
        self._down(self._nodes[slot], reason)

    def all_gone(self) -> None:
        """The run is over: nobody is left of whom nothing was heard."""
        for node in self._nodes:
            # One that never was ready had nothing to do, and nobody could miss it.
            self._down(node, "ended with the run" if node.workerinfo else None)

    def runs_again(self, nodeid: str, report: pytest.TestReport) -> bool:
        """Ask plugins what is to become of a test whose worker died; they may change the report."""
        scheduler = Scheduler(self._config, self._nodes)
        self._call("pytest_handlecrashitem", crashitem=nodeid, report=report, sched=scheduler)
        return scheduler.again

    def _configured(self, gateway: Gateway) -> Node:
        self._call("pytest_xdist_newgateway", gateway=gateway)
        node = Node(gateway, self._manager)
        self._call("pytest_configure_node", node=node)
        return node

    def _down(self, node: Node, error: str | None) -> None:
        if not node.shutting_down:
            node.shutting_down = True
            try:
                self._call("pytest_testnodedown", node=node, error=error)
            except Exception as failure:
                # A plugin that misses what a forked worker did not leave must not cost the results.
                text = f"pytest_testnodedown for {node.gateway.id}: {failure!r}"
                with suppress(pytest.PytestWarning):
                    self._config.issue_config_time_warning(pytest.PytestWarning(text), stacklevel=2)

    def _call(self, name: str, **arguments: object) -> None:
        hook: Callable[..., object] = self._config.pluginmanager.subset_hook_caller(
            name, self._deaf
        )
        hook(**arguments)


def _info(gateway: Gateway) -> dict[str, Any]:
    return {
        "version": sys.version,
        "version_info": tuple(sys.version_info),
        "sysplatform": sys.platform,
        "platform": sys.platform,
        "executable": sys.executable,
        "cwd": os.getcwd(),
        "id": gateway.id,
        "spec": gateway.spec,
    }


def _are_looked_for(config: pytest.Config) -> bool:
    return any(
        not (implementation.function.__module__ or "").startswith(_NEED_NO_NODE)
        for name in xdist_hooks.SPECIFIED
        for implementation in xdist_hooks.implementations(config, name)
    )
