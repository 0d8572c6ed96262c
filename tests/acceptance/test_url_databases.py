"""Databases without Django: clones of what the project's own set-up made, in both kinds of run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SET_UP = """
import sqlite3
from pathlib import Path

def create(url):
    with Path(__file__).with_name("built.log").open("a") as log:
        log.write("built\\n")
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("CREATE TABLE planets (name TEXT)")
        connection.execute("INSERT INTO planets VALUES ('Venus')")
"""
TESTS = """
import sqlite3
import pytest

def names(database):
    with sqlite3.connect(**database.params) as connection:
        connection.execute("INSERT INTO planets VALUES ('Mars')")
    return [name for (name,) in connection.execute("SELECT name FROM planets")]

SEEN = []

@pytest.mark.parametrize("number", range(6))
def test_shared(concurrent_database, number):
    SEEN.append(number)
    assert names(concurrent_database) == ["Venus"] + len(SEEN) * ["Mars"]

@pytest.mark.parametrize("number", range(3))
def test_fresh(fresh_database, number):
    assert names(fresh_database) == ["Venus", "Mars"]

def test_url(concurrent_database, fresh_database):
    assert concurrent_database.engine == "sqlite"
    assert concurrent_database.url == "sqlite:///" + concurrent_database.name
    assert concurrent_database.name != fresh_database.name
    assert "url" not in repr(concurrent_database)
"""
INI = """
[pytest]
pythonpath = .
concurrent_database = sqlite://
concurrent_database_setup = planets:create
"""

kinds_of_run = pytest.mark.parametrize(
    "options",
    [(), ("--concurrent", "--workers=2"), ("--concurrent-start=spawn", "--concurrent")],
    ids=["plain", "on workers", "spawned"],
)


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A suite whose set-up leaves a line in a file each time it runs."""
    pytester.makefile(".ini", pytest=INI)
    pytester.makepyfile(planets=SET_UP, test_planets=TESTS)
    return pytester


def builds(project: pytest.Pytester) -> int:
    """How often the set-up has run."""
    return len((project.path / "built.log").read_text().splitlines())


@kinds_of_run
def test_tests_get_clones_of_what_was_set_up(
    project: pytest.Pytester, options: tuple[str, ...]
) -> None:
    result = project.runpytest_subprocess(*options)
    result.assert_outcomes(passed=10)
    assert builds(project) == 1


def test_template_is_built_beside_threads(project: pytest.Pytester) -> None:
    project.makeconftest(
        "import threading\n"
        "threading.Thread(target=threading.Event().wait, daemon=True, name='poller').start()\n"
    )
    for _ in range(2):
        result = project.runpytest_subprocess("--concurrent", "--workers=2")
        result.assert_outcomes(passed=10)
        result.stdout.fnmatch_lines(["*spawn (threads are alive: poller)*"])
        assert builds(project) == 1


@kinds_of_run
def test_clones_are_gone_after_the_run(project: pytest.Pytester, options: tuple[str, ...]) -> None:
    project.runpytest_subprocess(*options).assert_outcomes(passed=10)
    files = [path.name for path in Path(project.path, ".pytest_cache").rglob("*.sqlite3")]
    assert [name for name in files if re.search(r"_c_[0-9a-f]", name)] == []
    assert len(files) == 1


def test_template_outlives_the_run_and_its_kind(project: pytest.Pytester) -> None:
    for options in ((), ("--concurrent",), ("-k", "fresh"), ("--concurrent", "--workers=2")):
        assert project.runpytest_subprocess(*options).ret == 0
    assert builds(project) == 1


def test_edited_set_up_builds_anew_and_back_again_does_not(project: pytest.Pytester) -> None:
    def run() -> int:
        project.runpytest_subprocess("--concurrent").assert_outcomes(passed=10)
        return builds(project)

    assert run() == 1
    project.makepyfile(planets=SET_UP + "\n# edited\n")
    assert run() == 2
    project.makepyfile(planets=SET_UP)
    assert run() == 2


def test_new_input_file_builds_anew(project: pytest.Pytester) -> None:
    project.makefile(".ini", pytest=INI + "concurrent_database_inputs = sql/*.sql\n")
    (project.path / "sql").mkdir()
    for number in range(2):
        (project.path / "sql" / f"{number}.sql").write_text("")
        project.runpytest_subprocess("--concurrent").assert_outcomes(passed=10)
    assert builds(project) == 2


@kinds_of_run
def test_failing_set_up_is_an_error_of_who_needs_it(
    project: pytest.Pytester, options: tuple[str, ...]
) -> None:
    project.makepyfile(planets="def create(url):\n    raise RuntimeError('no such moon')\n")
    project.makepyfile(test_other="def test_other(): ...")
    result = project.runpytest_subprocess(*options)
    result.assert_outcomes(passed=1, errors=10)
    result.stdout.fnmatch_lines(["*RuntimeError: no such moon*"])


@kinds_of_run
def test_hook_names_further_databases(project: pytest.Pytester, options: tuple[str, ...]) -> None:
    project.makeconftest(
        """
        import sqlite3

        def fill(url):
            sqlite3.connect(url.removeprefix("sqlite:///")).execute("CREATE TABLE ledger (x)")

        def pytest_concurrent_databases(config):
            from pytest_concurrent.databases.specs import TemplateSpec

            return [TemplateSpec("sqlite://", fill, name="ledger")]
        """
    )
    project.makepyfile(
        test_planets="""
        import sqlite3

        def test_three(concurrent_database, ledger, fresh_ledger):
            assert len({concurrent_database.name, ledger.name, fresh_ledger.name}) == 3
            with sqlite3.connect(**fresh_ledger.params) as connection:
                assert connection.execute("SELECT * FROM ledger").fetchall() == []
        """
    )
    project.runpytest_subprocess(*options).assert_outcomes(passed=1)


def test_unusable_url_ends_a_run_on_workers(project: pytest.Pytester) -> None:
    project.makefile(".ini", pytest="[pytest]\nconcurrent_database = oracle://db/x\n")
    result = project.runpytest_subprocess("--concurrent")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*concurrent_database in *pytest.ini is not the URL*"])


def test_unusable_url_is_an_error_of_who_needs_it_in_a_plain_run(
    project: pytest.Pytester,
) -> None:
    project.makefile(".ini", pytest="[pytest]\nconcurrent_database = oracle://db/x\n")
    project.makepyfile(test_other="def test_other(): ...")
    result = project.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=10)
    result.stdout.fnmatch_lines(["*concurrent_database in *pytest.ini is not the URL*"])


@kinds_of_run
def test_fixture_without_a_database_says_what_to_do(
    pytester: pytest.Pytester, options: tuple[str, ...]
) -> None:
    pytester.makepyfile("def test_it(concurrent_database): ...")
    result = pytester.runpytest_subprocess(*options)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*Set concurrent_database in the ini file*"])


@kinds_of_run
def test_password_of_an_unreachable_server_is_not_shown(
    project: pytest.Pytester, options: tuple[str, ...]
) -> None:
    url = "postgresql://ada:Zyx9Secret@127.0.0.1:1/planets"
    project.makefile(".ini", pytest=INI.replace("sqlite://", url))
    result = project.runpytest_subprocess(*options, "-vv", "--showlocals")
    result.assert_outcomes(errors=10)
    assert "Zyx9Secret" not in result.stdout.str() + result.stderr.str()


def test_switched_off_databases_are_not_there(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("--concurrent", "--concurrent-db=off")
    result.assert_outcomes(errors=10)
    result.stdout.fnmatch_lines(["*with --concurrent-db=off there are no such databases*"])
