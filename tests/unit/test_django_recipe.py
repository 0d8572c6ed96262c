"""Which databases of Django's settings are made, how they are recognised, and built."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from small_project import Project

POSTGRESQL = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": "shop",
    "HOST": "db.invalid",
    "USER": "shopkeeper",
    "PASSWORD": "hunter2",
}
SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": "real.sqlite3"}
BUILD = """
made = []
recipe(ALIAS).build("test_x", str(here / "built.sqlite3"), lambda: made.append(1))
answer = [made, connections[ALIAS].settings_dict["NAME"]]
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def rows(file: Path, statement: str) -> list[Any]:
    connection = sqlite3.connect(file)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_project_is_migrated_into_the_file(project: Project) -> None:
    assert project.ask("ALIAS = 'default'" + BUILD) == [[1], "real.sqlite3"]
    built = project.folder / "built.sqlite3"
    assert rows(built, "SELECT name FROM shop_product ORDER BY id") == [("tea",), ("milk",)]
    assert rows(built, "SELECT name FROM plain_thing") == []
    assert not (project.folder / "real.sqlite3").exists()


def test_without_migrations_only_tables_are_made(project: Project) -> None:
    project.ask("ALIAS = 'default'" + BUILD, "nomigrations")
    assert rows(project.folder / "built.sqlite3", "SELECT * FROM shop_product") == []


def test_file_of_a_test_name_is_left_alone(project: Project) -> None:
    (project.folder / "mine.sqlite3").write_text("precious")
    entry = {**SQLITE, "TEST": {"NAME": "mine.sqlite3"}}
    project.ask("ALIAS = 'default'" + BUILD, DATABASES={"default": entry})
    assert (project.folder / "mine.sqlite3").read_text() == "precious"


def test_migration_never_reaches_the_real_database_of_another_alias(project: Project) -> None:
    file = project.folder / "shop/migrations/0002_products.py"
    file.write_text(file.read_text().replace(".using(schema_editor.connection.alias)", ""))
    (project.folder / "real.sqlite3").touch()
    other = {**SQLITE, "NAME": "other.sqlite3", "TEST": {"DEPENDENCIES": []}}
    code = """
from pytest_concurrent.exceptions import UnsupportedDatabase
try:
    recipe("other").build("test_x", str(here / "built.sqlite3"), lambda: None)
except UnsupportedDatabase as error:
    answer = str(error)
"""
    said = project.ask(code, DATABASES={"default": SQLITE, "other": other})
    assert "'other' uses database 'default' too" in said
    assert (project.folder / "real.sqlite3").stat().st_size == 0


def test_inherited_connection_is_forgotten_not_closed(project: Project) -> None:
    code = """
from pytest_concurrent.django.build import let_go_of_connections
cursor = connections["default"].cursor()
inherited = connections["default"].connection
let_go_of_connections()
answer = [connections["default"].connection is None, inherited.execute("SELECT 1").fetchone()]
"""
    assert project.ask(code) == [True, [1]]


def test_doubles_and_mirrors_are_made_once(project: Project) -> None:
    databases = {
        "default": POSTGRESQL,
        "double": POSTGRESQL,
        "mirror": {**POSTGRESQL, "TEST": {"MIRROR": "default"}},
    }
    code = "answer = [[one.alias, one.siblings] for one in select(*connections).recipes]"
    assert project.ask(code, DATABASES=databases) == [["default", ["double", "mirror"]]]


def test_only_databases_that_tests_need_are_made(project: Project) -> None:
    code = "answer = [one.alias for one in select('default').recipes]"
    assert project.ask(code) == ["default"]


def test_order_is_that_of_the_dependencies(project: Project) -> None:
    first = {**POSTGRESQL, "NAME": "first", "TEST": {"DEPENDENCIES": []}}
    default = {**POSTGRESQL, "TEST": {"DEPENDENCIES": ["first"]}}
    code = "answer = [one.alias for one in select(*connections).recipes]"
    assert project.ask(code, DATABASES={"default": default, "first": first}) == ["first", "default"]


def test_databases_that_django_refuses_are_left_to_it(project: Project) -> None:
    code = "answer = [len(select('other').recipes), select('other').unknown]"
    number, unknown = project.ask(code)
    assert number == 0
    assert "DEPENDENCIES" in unknown["other"]


def test_back_end_with_its_own_way_is_left_to_django(project: Project) -> None:
    project.write(
        {
            "own/__init__.py": "",
            "own/base.py": """
                from django.db.backends.sqlite3 import base, creation
                class Creation(creation.DatabaseCreation):
                    def _create_test_db(self, *args, **kwargs):
                        return super()._create_test_db(*args, **kwargs)
                class DatabaseWrapper(base.DatabaseWrapper):
                    creation_class = Creation
            """,
        }
    )
    entry = {**SQLITE, "ENGINE": "own"}
    code = "one = select(); answer = [len(one.recipes), one.unknown['default']]"
    number, why = project.ask(code, DATABASES={"default": entry})
    assert number == 0
    assert "own.base._create_test_db" in why


def test_wrapper_that_only_wraps_is_known(project: Project) -> None:
    project.write(
        {
            "own/__init__.py": "",
            "own/base.py": """
                from django.db.backends.sqlite3 import base
                class DatabaseWrapper(base.DatabaseWrapper):
                    pass
            """,
        }
    )
    code = "answer = select().unknown"
    assert project.ask(code, DATABASES={"default": {**SQLITE, "ENGINE": "own"}}) == {}


FINGERPRINT = "answer = recipe().fingerprint()"


def test_names_are_not_in_the_fingerprint(project: Project) -> None:
    suffixed = {**POSTGRESQL, "NAME": "x", "TEST": {"NAME": "test_shop_gw3"}}
    assert project.ask(FINGERPRINT, DATABASES={"default": POSTGRESQL}) == project.ask(
        FINGERPRINT, DATABASES={"default": suffixed}
    )


def test_every_other_setting_is_another_fingerprint(project: Project) -> None:
    code = """
entry, answer = connections["default"].settings_dict, []
for change in ({}, {"HOST": "elsewhere"}, {"PASSWORD": "other"}, {"OPTIONS": {"sslmode": "allow"}},
               {"TEST": {**entry["TEST"], "CHARSET": "LATIN1"}},
               {"TEST": {**entry["TEST"], "MIGRATE": False}}):
    before = dict(entry)
    entry.update(change)
    answer.append(recipe().fingerprint())
    entry.update(before)
answer.append(recipe().fingerprint())
"""
    first, *others, last = project.ask(code, DATABASES={"default": POSTGRESQL})
    assert first == last
    assert len({first, *others}) == 6


def test_predicted_fingerprint_is_that_of_the_worker(project: Project) -> None:
    code = """
predicted = recipe().fingerprint()
from pytest_django.fixtures import _disable_migrations
_disable_migrations()
answer = [predicted, effective.fingerprint("default")]
"""
    predicted, found = project.ask(code, "nomigrations")
    assert predicted == found
    assert predicted != project.ask(FINGERPRINT)


def test_settings_travel_to_another_process(project: Project) -> None:
    code = """
import pathlib
from pytest_django.fixtures import _disable_migrations
entry = connections["default"].settings_dict
one = recipe()
before, old = one.fingerprint(), one.settings()
entry["OPTIONS"] = {"timeout": 5, "init_command": pathlib.Path("x")}
_disable_migrations()
sent, wanted = json.loads(json.dumps(one.settings())), effective.fingerprint("default")
one.apply(old)
restored = one.fingerprint()
one.apply(sent)
answer = [before == restored, wanted == one.fingerprint(), before == wanted,
          entry is settings.DATABASES["default"]]
"""
    assert project.ask(code) == [True, True, False, True]


def test_what_json_cannot_carry_does_not_travel(project: Project) -> None:
    code = """
connections["default"].settings_dict["OPTIONS"] = {"factory": object}
answer = [recipe().settings(), recipe().fingerprint()]
"""
    settings, fingerprint = project.ask(code)
    assert settings is None
    assert fingerprint == project.ask(code)[1]


def test_serialized_database_says_so(project: Project) -> None:
    code = "answer = [one.serialized for one in select('default', serialized={'default'}).recipes]"
    assert project.ask(code) == [True]


def test_unreachable_server_is_an_error_for_people(project: Project) -> None:
    code = """
from pytest_concurrent.exceptions import DatabaseTemplateException
try:
    recipe().target()
except DatabaseTemplateException as error:
    answer = str(error)
"""
    entry = {**POSTGRESQL, "HOST": str(project.folder)}
    said = project.ask(code, DATABASES={"default": entry})
    assert "'default'" in said
    assert "hunter2" not in said


def test_build_does_not_change_its_own_inputs(project: Project) -> None:
    file = project.folder / "shop/migrations/0002_products.py"
    signal = "from django.db.models.signals import post_migrate\npost_migrate.connect(dict)\n"
    file.write_text(signal + file.read_text())
    code = """
one = recipe()
before = one.inputs().digests
one.build("test_x", str(here / "built.sqlite3"), lambda: None)
between = one.inputs().digests
(here / "shop/names.py").write_text("NAMES = []")
answer = [before == between, between == one.inputs().digests]
"""
    assert project.ask(code) == [True, False]
