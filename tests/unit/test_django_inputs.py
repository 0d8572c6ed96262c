"""What changes the key of a template that Django builds, and what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_project import Project

DIGESTS = "answer = recipe().inputs().digests"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The inputs of the project as it is written."""
    return Project(tmp_path_factory.mktemp("untouched")).ask(DIGESTS)


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_edited_helper_of_a_migration_is_named(project: Project, untouched: Any) -> None:
    project.write({"shop/names.py": "NAMES = ['coffee']", "shop/views.py": "edited = True"})
    assert changed(untouched, project.ask(DIGESTS)) == {"shop/names.py"}


def test_edited_migration_is_named(project: Project, untouched: Any) -> None:
    file = project.folder / "shop/migrations/0002_products.py"
    file.write_text(file.read_text() + "# edited\n")
    assert changed(untouched, project.ask(DIGESTS)) == {"shop/migrations/0002_products.py"}


def test_added_migration_is_named(project: Project, untouched: Any) -> None:
    project.write({"shop/migrations/0003_more.py": "pass"})
    assert changed(untouched, project.ask(DIGESTS)) == {"shop/migrations/0003_more.py"}


def test_migrations_are_not_imported(project: Project) -> None:
    code = DIGESTS + "\nanswer = [name for name in sys.modules if '.migrations.' in name]"
    assert [name for name in project.ask(code) if name.startswith("shop.")] == []


def test_migrations_of_others_count(untouched: Any) -> None:
    assert "auth/migrations/0001_initial.py" in untouched


def test_model_counts_if_its_app_has_no_migrations(project: Project, untouched: Any) -> None:
    for app in ("plain", "shop"):
        file = project.folder / app / "models.py"
        file.write_text(file.read_text().replace("max_length=10", "max_length=11"))
    assert changed(untouched, project.ask(DIGESTS)) == {"model plain.Thing", "plain/models.py"}


def test_every_model_counts_without_migrations(project: Project) -> None:
    before = project.ask(DIGESTS, "nomigrations")
    assert not any("/migrations/" in name for name in before)
    file = project.folder / "shop/models.py"
    file.write_text(file.read_text().replace("max_length=10", "max_length=11"))
    after = project.ask(DIGESTS, "nomigrations")
    assert changed(before, after) == {"model shop.Product", "shop/models.py"}


def test_permission_of_a_migrated_model_counts(project: Project, untouched: Any) -> None:
    file = project.folder / "shop/models.py"
    file.write_text(
        file.read_text() + "    class Meta:\n        permissions = [('sell', 'May sell')]\n"
    )
    after = project.ask(DIGESTS)
    assert changed(untouched, after) == {"models' content types and permissions"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LANGUAGE_CODE", "de"),
        ("TIME_ZONE", "Asia/Tokyo"),
        ("MIGRATION_MODULES", {"auth": None}),
        ("CACHES", {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache"}}),
    ],
)
def test_setting_counts(project: Project, untouched: Any, name: str, value: Any) -> None:
    named = changed(untouched, project.ask(DIGESTS, **{name: value}))
    assert any(f"setting {name}" in one for one in named)


def test_receiver_counts_with_what_it_imports(project: Project) -> None:
    project.write(
        {
            "shop/apps.py": """
                from django.apps import AppConfig
                from django.db.models.signals import post_migrate
                def fill(**kwargs):
                    from shop.defaults import GROUPS
                class ShopConfig(AppConfig):
                    name = "shop"
                    def ready(self):
                        post_migrate.connect(fill, sender=self)
            """,
            "shop/defaults.py": "GROUPS = []",
        }
    )
    before = project.ask(DIGESTS)
    project.write({"shop/defaults.py": "GROUPS = ['staff']"})
    assert changed(before, project.ask(DIGESTS)) == {"shop/defaults.py"}


def test_router_counts(project: Project) -> None:
    project.write({"routers.py": "class Router:\n    pass"})
    before = project.ask(DIGESTS, DATABASE_ROUTERS=["routers.Router"])
    project.write({"routers.py": "class Router:\n    allow = True"})
    after = project.ask(DIGESTS, DATABASE_ROUTERS=["routers.Router"])
    assert changed(before, after) == {"routers.py"}


def test_settings_that_migrations_read_count(project: Project) -> None:
    file = project.folder / "settings.py"
    file.write_text("from defaults import *\n" + file.read_text())
    project.write({"defaults.py": "SHOP_NAMES = ['tea']"})
    before = project.ask(DIGESTS)
    project.write({"defaults.py": "SHOP_NAMES = ['coffee']"})
    after = project.ask(DIGESTS)
    assert changed(before, after) == {"settings file defaults.py"}
    file.write_text(file.read_text() + "SHOP_OPEN = True\n")
    assert changed(after, project.ask(DIGESTS)) == {"settings file settings.py"}


def test_settings_without_a_file_are_no_error(project: Project) -> None:
    code = """
from django.conf import LazySettings
from pytest_concurrent.django import inputs
inputs.settings = LazySettings()
inputs.settings.configure(DEBUG=False)
answer = inputs._settings_file()
"""
    assert project.ask(code) is None


def test_files_of_globs_count(project: Project) -> None:
    project.write({"sql/views.sql": "SELECT 1"})
    code = """
import dataclasses
places = dataclasses.replace(places, inputs=("sql/*.sql",))
answer = recipe().inputs().digests
"""
    before = project.ask(code)
    project.write({"sql/views.sql": "SELECT 2"})
    assert changed(before, project.ask(code)) == {"sql/views.sql"}


def test_inputs_are_the_same_in_every_process(project: Project, untouched: Any) -> None:
    assert project.ask(DIGESTS) == untouched
