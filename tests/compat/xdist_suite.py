"""A suite that notes what plugins for pytest-xdist hear, with or without pytest-xdist itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CONFTEST = """
import json, os

def note(**what):
    with open(FILE, "a") as file:
        print(json.dumps(what), file=file)

FILE = os.path.abspath("heard.jsonl")
count = iter(range(100))

def pytest_xdist_setupnodes(config, specs):
    note(hook="setupnodes", ids=[spec.id for spec in specs], popen=[spec.popen for spec in specs])

def pytest_xdist_newgateway(gateway):
    note(hook="newgateway", id=gateway.id)

def pytest_configure_node(node):
    node.workerinput["mine"] = {"number": next(count)}
    note(hook="configure_node", id=node.gateway.id, roots=node.nodemanager.roots,
         uid=node.workerinput["testrunuid"] == node.nodemanager.testrunuid,
         count=node.workerinput["workercount"])

def pytest_testnodeready(node):
    note(hook="ready", id=node.gateway.id, info=node.workerinfo["id"],
         platform=node.gateway._rinfo().platform)

def pytest_xdist_node_collection_finished(node, ids):
    note(hook="collected", id=node.gateway.id, ids=len(ids))

def pytest_testnodedown(node, error):
    note(hook="down", id=node.gateway.id, error=error and str(error),
         output=getattr(node, "workeroutput", None), given=node.workerinput["mine"])

def pytest_runtest_logreport(report):
    node = getattr(report, "node", None)
    if report.when == "call":
        note(hook="report", id=report.nodeid, node=node and node.gateway.id,
             worker=getattr(report, "worker_id", None))

def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        given = session.config.workerinput
        session.config.workeroutput["mine"] = [given["workerid"], given["mine"]["number"], b"x"[0]]
"""


def heard(folder: Path) -> list[dict[str, Any]]:
    """What was noted, in order."""
    return [json.loads(line) for line in (folder / "heard.jsonl").read_text().splitlines()]


def hooks_of(folder: Path, slot: str) -> list[str]:
    """The hooks that told of a slot, in order."""
    return [one["hook"] for one in heard(folder) if one.get("id") == slot]
