"""A template that one server built reaches an empty one through its file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import quote

import pytest

from .servers import MariaDbServer, Options, PostgresServer, Server

SET_UP = """
import importlib
from pathlib import Path

from pytest_concurrent.databases.url import parse

def create(url):
    with Path(__file__).with_name("built.log").open("a") as log:
        log.write("built\\n")
    server = parse(url)
    driver = importlib.import_module("psycopg" if server.engine == "postgresql" else "pymysql")
    connection = driver.connect(**server.params(server.database))
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE planets (id integer PRIMARY KEY, name varchar(20) NOT NULL)")
    cursor.executemany("INSERT INTO planets VALUES (%s, %s)", enumerate(["Venus", "Mars", "Ö"]))
    cursor.execute("CREATE VIEW short AS SELECT name FROM planets WHERE id > 0")
    connection.commit()
    connection.close()
"""
TESTS = """
import importlib
import pytest

@pytest.mark.parametrize("number", range(4))
def test_rows(fresh_database, number):
    name = "psycopg" if fresh_database.engine == "postgresql" else "pymysql"
    connection = importlib.import_module(name).connect(**fresh_database.params)
    cursor = connection.cursor()
    cursor.execute("SELECT name FROM short ORDER BY 1")
    assert [row[0] for row in cursor.fetchall()] == ["Mars", "Ö"]
    cursor.execute("INSERT INTO planets VALUES (%s, 'Earth')", (number + 10,))
    connection.commit()
    connection.close()
"""
KINDS: list[type[Server]] = [PostgresServer, MariaDbServer]


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.__name__)
def servers(request: pytest.FixtureRequest) -> Iterator[list[Server]]:
    """Two that know nothing of each other."""
    with ExitStack() as stack:
        options = Options(passwords=True)
        yield [stack.enter_context(closing(request.param(options))) for _ in range(2)]


def url(server: Server) -> str:
    account = server.creator
    who = f"{quote(account.name, safe='')}:{quote(account.password, safe='')}"
    return f"{server.vendor}://{who}@127.0.0.1:{server.port}/planets"


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A suite whose set-up leaves a line in a file each time it runs."""
    pytester.makeini(
        "[pytest]\npythonpath = .\nconcurrent_database = $PLANETS\n"
        "concurrent_database_setup = filling:create\n"
    )
    pytester.makepyfile(filling=SET_UP, test_planets=TESTS)
    return pytester


def run(
    project: pytest.Pytester, server: Server, patch: pytest.MonkeyPatch
) -> tuple[int, list[Path]]:
    """Run the suite; how often its set-up has run by then, and the files of templates."""
    patch.setenv("PLANETS", url(server))
    result = project.runpytest_subprocess(
        # As on a new machine: of earlier builds it knows what is in the folder.
        "--concurrent",
        "--workers=2",
        "--concurrent-db-cache=kept",
        "--cache-clear",
    )
    result.assert_outcomes(passed=4)
    assert server.creator.password not in result.stdout.str() + result.stderr.str()
    built = len((project.path / "built.log").read_text().splitlines())
    return built, sorted((project.path / "kept").glob("*.template"))


def test_empty_server_is_filled_from_the_file(
    project: pytest.Pytester, servers: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    built, files = run(project, servers[0], monkeypatch)
    assert (built, len(files)) == (1, 1)
    assert servers[0].creator.password.encode() not in files[0].read_bytes()
    assert run(project, servers[1], monkeypatch) == (1, files)


def test_damaged_file_is_set_aside_and_built_anew(
    project: pytest.Pytester, servers: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.path / "filling.py").write_text(SET_UP + "\n# another template\n")
    _, (file,) = run(project, servers[0], monkeypatch)
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(content)
    assert run(project, servers[1], monkeypatch) == (2, [file])
    assert file.with_name(f"{file.name}.bad").read_bytes() == content
