"""Fixtures are set up and torn down as in a sequential run of each worker's tests."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from .parity import Compare, on_workers

CONFTEST = """
import os
import pathlib

import pytest

LOG = pathlib.Path(__file__).parent / "log"


def say(text):
    with LOG.open("a") as file:
        file.write(f"{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')} {text}\\n")


def scoped(scope, params=None):
    @pytest.fixture(scope=scope, params=params, name=f"of_{scope}")
    def fixture(request):
        key = f"{scope}:{request.node.nodeid}:{getattr(request, 'param', '')}"
        say(f"up {key}")
        yield key
        say(f"down {key}")

    return fixture


of_session = scoped("session")
of_package = scoped("package")
of_module = scoped("module", ["a", "b"])
of_class = scoped("class")
of_function = scoped("function")


@pytest.fixture(autouse=True)
def ran(request):
    yield
    say(f"ran {request.node.nodeid}")
"""

TESTS = """
import pytest


def test_function(of_session, of_function): pass


@pytest.mark.parametrize("number", range(4))
def test_module(of_package, of_module, number): pass


class TestClass:
    def test_one(self, of_class, of_session): pass
    def test_two(self, of_class, of_module): pass
    def test_three(self): pass


def test_last(of_session, of_function): pass
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Path:
    pytester.makeconftest(CONFTEST)
    for name in ("one", "two", "three"):
        folder = pytester.mkpydir(name)
        (folder / f"test_{name}.py").write_text(TESTS)
        (folder / f"test_{name}_more.py").write_text(TESTS)
    return pytester.path / "log"


def test_one_worker_sets_up_alike(pytester: pytest.Pytester, suite: Path) -> None:
    pytester.runpytest_subprocess()
    sequential = suite.read_text()
    suite.unlink()
    pytester.runpytest_subprocess(*on_workers(1))
    assert suite.read_text() == sequential


def test_each_set_up_ends_once(pytester: pytest.Pytester, suite: Path) -> None:
    result = pytester.runpytest_subprocess(*on_workers(3))
    result.assert_outcomes(passed=6 * 14)
    lines = [line.split(" ", 2) for line in suite.read_text().splitlines()]
    for worker in {line[0] for line in lines}:
        check_one_worker([(what, key) for name, what, key in lines if name == worker])
    ran = [key for _, what, key in lines if what == "ran"]
    assert len(ran) == len(set(ran)) == 6 * 14


def check_one_worker(lines: list[tuple[str, str]]) -> None:
    """What is set up is torn down before it is set up again, and at the end nothing is up."""
    standing: Counter[str] = Counter()
    for what, key in lines:
        if what == "ran":
            continue
        standing[key] += 1 if what == "up" else -1
        assert standing[key] in (0, 1), key
        assert sum(count for name, count in standing.items() if name.startswith("module")) <= 1
    assert not any(standing.values())
    ups = [key for what, key in lines if what == "up" and key.startswith("session")]
    assert len(ups) <= 1


def test_set_up_is_shown(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(
        """
        import pytest
        @pytest.fixture(scope="module", params=[1, 2])
        def wide(request): yield
        @pytest.fixture
        def narrow(wide): return 1
        def test_one(narrow): pass
        def test_two(narrow): assert 0
        """
    )
    # pytest-django has fixtures of its own for every test.
    args = ("--setup-show", "-p", "no:cacheprovider", "-p", "no:django")
    sequential = set_ups(pytester.runpytest_subprocess(*args))
    assert len(sequential) == 12
    assert set_ups(pytester.runpytest_subprocess(*args, *on_workers(1))) == sequential
    compare("--setup-show")


def set_ups(result: pytest.RunResult) -> list[str]:
    """What was shown of fixtures, without the letters of the progress."""
    lines = [line.strip().rstrip(".F") for line in result.stdout.lines]
    return [line for line in lines if line.startswith(("SETUP", "TEARDOWN"))]


def test_late_teardown_error_is_reported(pytester: pytest.Pytester, compare: Compare) -> None:
    """A wide fixture that fails in its teardown is an error of the last test that had it."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="session")
        def wide():
            yield
            print("tearing down")
            raise RuntimeError("late")

        @pytest.fixture(scope="module")
        def narrower(wide):
            yield
            raise ValueError("earlier")

        def test_one(wide): pass
        def test_two(narrower): pass
        """
    )
    told = compare("-rA", workers=(1,))
    assert told.code == 1
    # Which of both tests is the last to hold the wide fixture depends on the workers.
    result = pytester.runpytest_subprocess(*on_workers(2))
    result.stdout.fnmatch_lines(["*RuntimeError: late*"])
    assert result.ret == 1


def test_temporary_folders_stand_apart(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os
        import pytest

        @pytest.mark.parametrize("number", range(6))
        def test_folder(tmp_path, tmp_path_factory, tmpdir, number):
            base = tmp_path_factory.getbasetemp()
            assert base.name == "popen-" + os.environ["PYTEST_XDIST_WORKER"]
            assert base.parent.name == "here"
            assert tmp_path.parent == base
            assert list(tmp_path.iterdir()) == []
            (tmp_path / "file").touch()
            assert tmp_path_factory.mktemp("more").parent == base
        """
    )
    base = pytester.path / "here"
    base.mkdir()
    (base / "old").touch()
    result = pytester.runpytest("--basetemp=here", "-p", "no:cacheprovider")
    assert result.ret == 1  # without workers there is no such folder
    (base / "old").touch()
    command = ["--basetemp=here", *on_workers(3)]
    result = pytester.runpytest_subprocess(*command)
    result.assert_outcomes(passed=6)
    assert not (base / "old").exists()


def test_temporary_folders_of_passed_tests_go(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_passes(tmp_path): (tmp_path / "file").touch()
        def test_fails(tmp_path): assert 0
        """
    )
    pytester.makeini("[pytest]\ntmp_path_retention_policy = failed")
    pytester.runpytest_subprocess("--basetemp=here", *on_workers(1))
    base = pytester.path / "here" / "popen-gw0"
    assert [path.name for path in base.iterdir() if not path.is_symlink()] == ["test_fails0"]


def test_fixture_values_may_be_anything(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(
        """
        import threading
        import pytest

        @pytest.fixture(scope="module", params=[threading.Lock(), lambda: 1, object()])
        def odd(request):
            return request.param

        @pytest.mark.parametrize("value", [object(), print], ids=lambda one: "id")
        def test_odd(odd, value, monkeypatch, request, capsys, recwarn):
            request.addfinalizer(lambda: print("finalised"))
            monkeypatch.setenv("ODD", "1")
        """
    )
    assert compare("-rA").code == 0


LOGS_LATE = """
from _pytest.runner import runtestprotocol


def pytest_runtest_protocol(item, nextitem):
    for report in runtestprotocol(item, nextitem=nextitem, log=False):
        item.ihook.pytest_runtest_logreport(report=report)
    return True
"""


@pytest.mark.parametrize("conftest", ["", LOGS_LATE], ids=["as-is", "logged-late"])
def test_what_tests_share_is_not_their_own_time(pytester: pytest.Pytester, conftest: str) -> None:
    pytester.makeconftest(conftest)
    pytester.makepyfile(
        """
        import time

        import pytest


        @pytest.fixture(scope="class", params=[1, 2])
        def outer():
            yield time.sleep(0.05)
            time.sleep(0.2)


        @pytest.fixture(scope="class")
        def inner(outer):
            yield time.sleep(0.05)
            time.sleep(0.1)


        @pytest.fixture
        def own():
            yield time.sleep(0.01)
            time.sleep(0.02)


        class TestAll:
            def test_it(self, inner, own):
                pass


        def test_other():
            pass
        """
    )
    reports = ("--concurrent-events=events", "--junit-xml=junit.xml")
    pytester.runpytest_subprocess(*on_workers(1), *reports).assert_outcomes(passed=3)
    events = map(json.loads, (pytester.path / "events").read_text().splitlines())
    tests = [event for event in events if event["event"] == "test_finished"]
    assert tests[0]["shared"] >= 0.1
    assert tests[1]["shared"] >= 0.7
    # What pytest measures is all of it, and nothing is counted twice.
    root = ElementTree.parse(pytester.path / "junit.xml").getroot()
    measured = [float(case.get("time", "")) for case in root.iter("testcase")]
    told = [sum(event[part] for part in ("setup", "call", "teardown", "shared")) for event in tests]
    assert told == pytest.approx(measured, abs=0.002)
