"""Where Django's connections lead on a worker, and what becomes of errors."""

from __future__ import annotations

from pathlib import Path

import pytest
from django_scene import Project

WHERE = """
import threading
import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import connection, connections
from shop.models import Fruit

def test_rows_are_there(db):
    assert Fruit.objects.get().name == "apple"
    assert ContentType.objects.get_for_model(Fruit).app_label == "shop"

def test_name_is_the_clones(db):
    name = connection.settings_dict["NAME"]
    assert name == settings.DATABASES["default"]["NAME"]
    assert EXPECTED in str(name)

@pytest.mark.django_db(transaction=True)
def test_other_threads_follow():
    found = []
    def look():
        found.extend(fruit.name for fruit in Fruit.objects.all())
        connections.close_all()
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == ["apple"]

@pytest.mark.django_db(transaction=True, databases=["default", "mirror"])
def test_mirror_follows():
    Fruit.objects.create(name="mirrored")
    assert Fruit.objects.using("mirror").filter(name="mirrored").exists()
"""

MIRROR = "DATABASES['mirror'] = {**DATABASES['default'], 'TEST': {'MIRROR': 'default'}}"


@pytest.mark.parametrize("in_file", [False, True], ids=["memory", "file"])
def test_every_connection_leads_to_the_clone(tmp_path: Path, in_file: bool) -> None:
    expected = "test_played_c_" if in_file else "file:memorydb_default?mode=memory"
    project = Project(tmp_path, WHERE.replace("EXPECTED", repr(expected)))
    if in_file:
        project.put_into_file()
    project.configure(MIRROR)
    names = ("test_other_threads_follow", "test_rows_are_there", "test_name_is_the_clones")
    order = ",".join([*names, "test_mirror_follows"])
    result = project.run(PLAYED_ORDER=order, PLAYED_DB="fresh")
    assert result.status == 0, result.text
    assert result.asked("clone") == 1
    assert result.asked("retire") == 1


def test_clone_is_given_back_not_removed(tmp_path: Path) -> None:
    project = Project(tmp_path, "def test_it(db): pass")
    project.put_into_file()
    result = project.run()
    assert result.status == 0, result.text
    [retired] = [one["name"] for one in result.requests if one["op"] == "retire"]
    assert (tmp_path / "databases" / f"{retired}.sqlite3").exists()


def test_worker_without_database_tests_asks_for_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path, "def test_it(db): pass\ndef test_other(): pass")
    assert project.run(PLAYED_ORDER="test_other").requests == []


def test_failed_clone_is_the_error_of_its_tests(tmp_path: Path) -> None:
    project = Project(tmp_path, "def test_it(db): pass\ndef test_other(): pass")
    result = project.run(PLAYED_FAILURE="failed")
    assert "ERROR test_shop.py::test_it" in result.text
    assert "it was told to fail. Tell it otherwise." in result.text
    assert "attach.py" not in result.text
    assert "PASSED test_shop.py::test_other" in result.text


STOCK = """
from shop.models import Fruit
def test_it(db):
    assert Fruit.objects.get().name == "apple"
"""


def test_what_cannot_be_cloned_is_left_to_django(tmp_path: Path) -> None:
    result = Project(tmp_path, STOCK).run(PLAYED_FAILURE="unsupported")
    assert result.status == 0, result.text


def test_clones_demanded_are_not_left_to_django(tmp_path: Path) -> None:
    result = Project(tmp_path, STOCK).run(PLAYED_FAILURE="unsupported", PLAYED_DB="clone")
    assert "it was told to fail. Tell it otherwise." in result.text
    assert result.status == 1


OVERRIDE = """
import pytest
@pytest.fixture(scope="session")
def django_db_modify_db_settings():
    from django.conf import settings
    settings.DATABASES["default"]["OPTIONS"]["timeout"] = 7
"""


def test_fingerprint_is_of_the_settings_now_in_force(tmp_path: Path) -> None:
    project = Project(tmp_path, STOCK)
    before = project.run().requests[0]["fingerprint"]
    project.write("conftest.py", OVERRIDE)
    (tmp_path / "requests.jsonl").unlink()
    assert project.run().requests[0]["fingerprint"] != before


REPLACED = """
import pytest
@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker):
    with django_db_blocker.unblock():
        from django.core.management import call_command
        call_command("migrate", verbosity=0)
"""


def test_replaced_set_up_is_left_alone(tmp_path: Path) -> None:
    project = Project(tmp_path, STOCK)
    project.write("conftest.py", REPLACED)
    result = project.run()
    assert result.status == 0, result.text
    assert result.requests == []


LIVE = """
from urllib.request import urlopen
from shop.models import Fruit

def test_live(live_server):
    Fruit.objects.create(name="served")
    assert urlopen(live_server.url, timeout=30).read() == b"apple,served"

def test_plain(db):
    assert Fruit.objects.count() == 1
"""

URLS = """
from django.http import HttpResponse
from django.urls import path
def show(request):
    from shop.models import Fruit
    return HttpResponse(",".join(fruit.name for fruit in Fruit.objects.order_by("name")))
urlpatterns = [path("", show)]
"""


@pytest.mark.parametrize("in_file", [False, True], ids=["memory", "file"])
def test_live_server_serves_the_clone(tmp_path: Path, in_file: bool) -> None:
    project = Project(tmp_path, LIVE)
    project.configure("ROOT_URLCONF = 'shop.urls'\nSTATIC_URL = '/static/'")
    project.write("shop/urls.py", URLS)
    if in_file:
        project.put_into_file()
    result = project.run(PLAYED_ORDER="test_live,test_plain")
    assert result.status == 0, result.text
