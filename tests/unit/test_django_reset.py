"""What tests find in SQLite databases after other tests, where the keeper is played."""

from __future__ import annotations

from pathlib import Path

import pytest
from django_scene import Project

TESTS = """
import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import TestCase, TransactionTestCase
from shop.models import Fruit

def names():
    return sorted(Fruit.objects.values_list("name", flat=True))

@pytest.mark.django_db
def test_plain():
    assert names() == ["apple"]
    Fruit.objects.create(name="pear")

class TestClassic(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.apple = Fruit.objects.get(name="apple")

    def test_classic(self):
        assert names() == ["apple"]
        assert ContentType.objects.get_for_model(Fruit).pk

@pytest.mark.django_db(transaction=True)
def test_first_transactional():
    assert names() == ["apple"]
    Fruit.objects.create(name="plum")

@pytest.mark.django_db(transaction=True)
def test_second_transactional():
    assert names() == []
    Fruit.objects.create(name="apple")

class TestThird(TransactionTestCase):
    def test_third_transactional(self):
        assert names() == []
        Fruit.objects.create(name="apple")

@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_serialized():
    assert names() == ["apple"]
    Fruit.objects.create(name="fig")
"""

ORDERS = [
    "test_plain,test_classic,test_first_transactional,test_second_transactional",
    "test_first_transactional,test_plain,test_second_transactional,test_classic",
    "test_second_transactional,test_classic,test_first_transactional",
    "test_second_transactional,test_first_transactional,test_third_transactional",
    "test_third_transactional,test_plain,test_third_transactional,test_plain",
    "test_second_transactional,test_serialized,test_plain,test_serialized",
    "test_serialized,test_second_transactional,test_serialized,test_classic",
]


@pytest.mark.parametrize("in_file", [False, True], ids=["memory", "file"])
@pytest.mark.parametrize("order", ORDERS)
def test_any_order_finds_what_djangos_gives(tmp_path: Path, order: str, in_file: bool) -> None:
    project = Project(tmp_path, TESTS)
    if in_file:
        project.put_into_file()
    result = project.run(PLAYED_ORDER=order)
    assert result.status == 0, result.text


SESSION_ROWS = """
import pytest

@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    from shop.models import Fruit
    with django_db_blocker.unblock():
        Fruit.objects.create(name="banana")

@pytest.fixture(scope="session")
def cherry(django_db_setup, django_db_blocker):
    from shop.models import Fruit
    with django_db_blocker.unblock():
        Fruit.objects.create(name="cherry")

@pytest.fixture(scope="module")
def date(django_db_setup, django_db_blocker):
    from shop.models import Fruit
    with django_db_blocker.unblock():
        Fruit.objects.create(name="date")
"""

ROW_TESTS = """
import pytest
from shop.models import Fruit

def names():
    return sorted(Fruit.objects.values_list("name", flat=True))

def test_plain(db):
    assert names() == ["apple", "banana"]

def test_cherry(db, cherry):
    assert names() == ["apple", "banana", "cherry"]

def test_date(db, cherry, date):
    assert names() == ["apple", "banana", "cherry", "date"]

def test_first(transactional_db):
    assert names() == ["apple", "banana"]

def test_transactional(transactional_db, cherry):
    assert names() == []
    Fruit.objects.create(name="cherry")
"""


@pytest.mark.parametrize("in_file", [False, True], ids=["memory", "file"])
@pytest.mark.parametrize(
    "order",
    [
        "test_first,test_plain,test_transactional,test_cherry",
        "test_first,test_transactional,test_cherry,test_transactional,test_date",
        "test_cherry,test_transactional,test_cherry",
    ],
)
def test_rows_of_session_fixtures_survive(tmp_path: Path, order: str, in_file: bool) -> None:
    project = Project(tmp_path, ROW_TESTS)
    project.write("conftest.py", SESSION_ROWS)
    if in_file:
        project.put_into_file()
    result = project.run(PLAYED_ORDER=order)
    assert result.status == 0, result.text


FRESH_TESTS = """
import pytest
from django.core.management.commands import flush
from shop.models import Fruit

@pytest.fixture(autouse=True)
def no_flush(monkeypatch):
    def handle(self, **options):
        raise AssertionError("flushed")
    monkeypatch.setattr(flush.Command, "handle", handle)

@pytest.mark.parametrize("name", ["pear", "fig", "plum"])
def test_transactional(transactional_db, name):
    assert [fruit.name for fruit in Fruit.objects.all()] == ["apple"]
    Fruit.objects.create(name=name)

def test_plain(db):
    assert [fruit.name for fruit in Fruit.objects.all()] == ["apple"]
"""


@pytest.mark.parametrize("in_file", [False, True], ids=["memory", "file"])
def test_fresh_never_flushes(tmp_path: Path, in_file: bool) -> None:
    project = Project(tmp_path, FRESH_TESTS)
    if in_file:
        project.put_into_file()
    order = "test_transactional[pear],test_transactional[fig],test_plain,test_transactional[plum]"
    result = project.run(PLAYED_DB="fresh", PLAYED_ORDER=order)
    assert result.status == 0, result.text


CRASHED = """
import pytest
from django.test import TransactionTestCase
from shop.models import Fruit

class TestBroken(TransactionTestCase):
    def _fixture_teardown(self):
        raise RuntimeError("the teardown fails")

    def test_broken(self):
        Fruit.objects.all().delete()

def test_plain(db):
    assert Fruit.objects.count() == 1
"""


def test_failed_teardown_leaves_nothing_behind(tmp_path: Path) -> None:
    result = Project(tmp_path, CRASHED).run(PLAYED_ORDER="test_broken,test_plain")
    assert "PASSED test_shop.py::test_plain" in result.text
