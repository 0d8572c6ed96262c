from __future__ import annotations

from typing import Any

import pytest

from pytest_concurrent.payload.fixtures import key_of

SUITE = """
import pytest

@pytest.fixture(scope="module", params=["a", "b"])
def database(request): pass

@pytest.fixture(scope="class")
def table(): pass

class TestTables:
    def test_x(self, database, table): pass
"""


@pytest.fixture
def item(pytester: pytest.Pytester) -> pytest.Item:
    return pytester.getitems(SUITE)[0]


def key(item: Any, name: str, collector: type[pytest.Collector], param_index: int = 0) -> str:
    return key_of(
        item._fixtureinfo.name2fixturedefs[name][-1], item.getparent(collector), param_index
    )


def test_scope_name_place_and_parameter_are_the_key(item: pytest.Item) -> None:
    module = item.nodeid.partition("::")[0]
    assert key(item, "database", pytest.Module, 1) == f"module:database:{module}:1"
    assert key(item, "table", pytest.Class) == f"class:table:{module}::TestTables:0"


def test_each_parameter_is_a_set_up_of_its_own(item: pytest.Item) -> None:
    keys = {key(item, "database", pytest.Module, index) for index in range(2)}
    assert len(keys) == 2
