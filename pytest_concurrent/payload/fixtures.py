"""What a shared set-up is called, on both sides and in the timings."""

from __future__ import annotations

from _pytest.fixtures import FixtureDef
from _pytest.nodes import Node


def key_of(fixturedef: FixtureDef[object], node: Node, param_index: int) -> str:
    """The key of one set-up: scope, name, the node that it belongs to, and the parameter.

    Args:
        fixturedef: The fixture.
        node: The class, module, package or session that shares the set-up.
        param_index: Which parameter; 0 for a fixture without.
    """
    return f"{fixturedef.scope}:{fixturedef.argname}:{node.nodeid}:{param_index}"
