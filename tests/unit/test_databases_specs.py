"""What a project without Django says about its database; how its template is keyed and built."""

from __future__ import annotations

import functools
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_concurrent.databases.specs import TemplateSpec, specs
from pytest_concurrent.databases.url_recipe import UrlRecipe
from pytest_concurrent.exceptions import (
    ConfigurationException,
    DatabaseCloneException,
    SecurityException,
)
from pytest_concurrent.settings import Settings

SOURCES = {
    "database": "concurrent_database in pytest.ini",
    "database_setup": "…_setup in pytest.ini",
    "database_inputs": "…_inputs in pytest.ini",
}


class Hook:
    """The hook relay, with the answers of some conftest files."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)

    def pytest_concurrent_databases(self, config: object) -> list[object]:
        return self._answers


class Config:
    """As much of pytest's configuration as is read."""

    def __init__(self, *answers: object) -> None:
        self.hook = Hook(*answers)


def read(*answers: object, **settings: Any) -> list[TemplateSpec]:
    config: Any = Config(*answers)
    return [one.spec for one in specs(config, Settings(sources=SOURCES, **settings))]


def recipe(root: Path, **fields: Any) -> UrlRecipe:
    config: Any = Config(TemplateSpec(**{"url": "sqlite://", **fields}))
    (checked,) = specs(config, Settings())
    return UrlRecipe(checked, root, root / "state")


def test_ini_names_one_database() -> None:
    (spec,) = read(
        database="postgresql://db/x", database_setup="shop.db:fill", database_inputs=("a",)
    )
    assert (spec.url, spec.setup, spec.inputs) == ("postgresql://db/x", "shop.db:fill", ("a",))
    assert (spec.name, spec.fresh_name) == ("concurrent_database", "fresh_database")


def test_hook_names_further_databases() -> None:
    told = [TemplateSpec("sqlite://", name="ledger"), TemplateSpec("mysql://db", name="stock")]
    named = read(told, TemplateSpec("sqlite://", name="audit"), database="sqlite://")
    assert [one.name for one in named] == ["concurrent_database", "ledger", "stock", "audit"]
    assert named[1].fresh_name == "fresh_ledger"


def test_nothing_said_is_no_database() -> None:
    assert read() == []


def test_inputs_without_a_database_are_those_of_django(monkeypatch: pytest.MonkeyPatch) -> None:
    conf = SimpleNamespace(settings=SimpleNamespace(configured=True))
    monkeypatch.setitem(sys.modules, "django.conf", conf)
    assert read(database_inputs=("sql/*.sql",)) == []
    conf.settings.configured = False
    with pytest.raises(ConfigurationException, match="belongs to a database, and none is named"):
        read(database_inputs=("sql/*.sql",))


def test_url_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_URL", "mysql://db/x")
    config: Any = Config()
    (one,) = specs(config, Settings(database="${SHOP_URL}"))
    assert one.url.engine == "mysql"


@pytest.mark.parametrize(
    ("settings", "answers", "message"),
    [
        ({"database": "$NO_SUCH_URL"}, (), "variable NO_SUCH_URL, which is not set"),
        ({"database": "oracle://db"}, (), "concurrent_database in pytest.ini is not the URL"),
        ({"database_setup": "a:b"}, (), "belongs to a database, and none is named"),
        ({"database": "sqlite://", "database_setup": "a.b"}, (), "'a.b' is not accepted as set-up"),
        ({}, ("sqlite://",), "returned a str"),
        ({}, (["sqlite://"],), "returned a list"),
        ({}, (TemplateSpec("sqlite://", name="a b"),), "its name cannot be that of a fixture"),
        ({"database": "sqlite://"}, (TemplateSpec("sqlite://"),), "two databases are called"),
    ],
)
def test_unusable_database_is_refused(
    settings: dict[str, str], answers: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ConfigurationException, match=message):
        read(*answers, **settings)


@pytest.mark.parametrize("name", ["prod_shop", "production", "shop_live", "Shop_Staging"])
def test_production_is_refused(name: str) -> None:
    with pytest.raises(SecurityException, match="looks like production"):
        read(database=f"postgresql://db/{name}")
    assert read(database=f"postgresql://db/{name}", allow_databases=(name,))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with a set-up for SQLite."""
    (tmp_path / "filling.py").write_text(
        "import sqlite3\n"
        "def fill(url):\n"
        "    with sqlite3.connect(url.removeprefix('sqlite:///')) as connection:\n"
        "        connection.execute('CREATE TABLE planets (name)')\n"
        "def forget(url):\n"
        "    sqlite3.connect(':memory:').execute('CREATE TABLE planets (name)')\n"
        "async def fill_later(url):\n"
        "    fill(url)\n"
    )
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "one.sql").write_text("one")
    monkeypatch.setattr(sys, "path", sys.path.copy())
    yield tmp_path
    sys.modules.pop("filling", None)


def test_edited_set_up_changes_the_key(project: Path) -> None:
    before = recipe(project, setup="filling:fill").inputs()
    (project / "filling.py").write_text("def fill(url): ...")
    after = recipe(project, setup="filling:fill").inputs()
    assert before.key() != after.key()
    assert [name for name in after.digests if after.digests[name] != before.digests[name]] == [
        "filling.py"
    ]


@pytest.mark.parametrize("change", ["edited", "added", "removed", "renamed"])
def test_globbed_file_that_changes_changes_the_key(project: Path, change: str) -> None:
    (project / "sql" / "two.sql").write_text("two")
    before = recipe(project, inputs=["sql/*.sql"]).inputs().key()
    if change == "edited":
        (project / "sql" / "two.sql").write_text("2")
    elif change == "added":
        (project / "sql" / "three.sql").write_text("")
    elif change == "removed":
        (project / "sql" / "two.sql").unlink()
    else:
        (project / "sql" / "two.sql").rename(project / "sql" / "zwei.sql")
    assert recipe(project, inputs=["sql/*.sql"]).inputs().key() != before


def test_key_is_the_same_in_another_checkout(project: Path, tmp_path_factory: Any) -> None:
    other = tmp_path_factory.mktemp("other")
    for name in ("filling.py", "sql/one.sql"):
        (other / name).parent.mkdir(exist_ok=True)
        (other / name).write_bytes((project / name).read_bytes())
    fields = {"setup": "filling:fill", "inputs": ["sql/*"]}
    assert recipe(project, **fields).inputs().key() == recipe(other, **fields).inputs().key()


@pytest.mark.parametrize("pattern", ["sql/*.txt", "/etc/*", ""])
def test_glob_without_files_is_refused(project: Path, pattern: str) -> None:
    with pytest.raises(ConfigurationException, match=r"matches no file|is not accepted"):
        recipe(project, inputs=[pattern]).inputs()


def built(one: UrlRecipe, root: Path) -> list[str]:
    path = root / "build.sqlite3"
    one.build("test_x_t_1", str(path), path.touch)
    with sqlite3.connect(path) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]


@pytest.mark.parametrize("function", ["fill", "fill_later"])
def test_set_up_fills_the_build(project: Path, function: str) -> None:
    assert built(recipe(project, setup=f"filling:{function}"), project) == ["planets"]


def test_journal_of_a_forgotten_connection_is_folded_in(project: Path) -> None:
    open_still = []

    def fill(url: str) -> None:
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE planets (name)")
        open_still.append(connection)

    assert built(recipe(project, setup=fill), project) == ["planets"]
    assert (project / "build.sqlite3-wal").stat().st_size == 0


def test_build_is_there_before_it_is_filled(project: Path) -> None:
    order: list[str] = []

    def fill(url: str) -> None:
        order.append("filled")
        sqlite3.connect(url.removeprefix("sqlite:///")).execute("CREATE TABLE planets (name)")

    path = str(project / "build.sqlite3")
    recipe(project, setup=fill).build("x", path, lambda: order.append("created"))
    assert order == ["created", "filled"]


def test_callable_is_known_by_its_file(project: Path) -> None:
    whole = recipe(Path(__file__).parents[2], setup=functools.partial(_fill, 1)).inputs()
    assert "tests/unit/test_databases_specs.py" in whole.digests


def _fill(number: int, url: str) -> None: ...


def test_set_up_of_another_database_is_refused(project: Path) -> None:
    with pytest.raises(DatabaseCloneException, match="filling:forget left nothing in the database"):
        built(recipe(project, setup="filling:forget"), project)


@pytest.mark.parametrize("setup", ["missing:fill", "filling:missing", "filling:sqlite3"])
def test_set_up_that_is_not_there_is_named(project: Path, setup: str) -> None:
    with pytest.raises(ConfigurationException, match=setup):
        built(recipe(project, setup=setup), project)


def test_no_set_up_leaves_the_template_empty(project: Path) -> None:
    assert built(recipe(project), project) == []


def test_fingerprint_knows_no_password(project: Path) -> None:
    urls = [f"postgresql://u:{password}@db/x" for password in ("one", "two")]
    assert len({recipe(project, url=url).fingerprint() for url in urls}) == 1


def test_environment_fills_in_what_the_url_lacks(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_concurrent.databases.drivers._MODULES", {"postgresql": ()})
    for name, value in {"HOST": "/run/pg", "PORT": "5433", "USER": "u", "PASSWORD": "p"}.items():
        monkeypatch.setenv(f"PG{name}", value)
    bare = recipe(project, url="postgresql:///x")
    assert not bare.has_driver
    assert bare.target() == {
        "vendor": "postgresql", "socket": "/run/pg", "port": 5433, "user": "u", "password": "p",
    }  # fmt: skip
