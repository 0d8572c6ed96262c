"""Workers that are processes of their own and collect by themselves."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from .parity import on_workers

SPAWN = on_workers(2, "spawn")


def header(result: pytest.RunResult) -> str:
    return next(line for line in result.stdout.lines if line.startswith("concurrent: "))


def test_threads_before_the_fork_mean_spawn(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True, name='poller').start()\n"
    )
    pytester.makepyfile("def test_one(worker_id): assert worker_id == 'gw0'")
    result = pytester.runpytest_subprocess(*on_workers(2))
    result.assert_outcomes(passed=1)
    assert "spawn (threads are alive: poller)" in header(result)


def test_all_hooks_run_in_every_worker(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import os
        def note(config, word):
            name = getattr(config, "workerinput", {}).get("workerid", "controller")
            with open(f"heard-{name}", "a") as file:
                print(word, file=file)
        def pytest_configure(config): note(config, "configure")
        def pytest_sessionstart(session): note(session.config, "sessionstart")
        def pytest_collection_finish(session): note(session.config, "collection")
        def pytest_concurrent_worker_start(config): note(config, "worker_start")
        def pytest_runtest_setup(item): note(item.config, "setup")
        def pytest_concurrent_worker_finish(config): note(config, "worker_finish")
        def pytest_sessionfinish(session): note(session.config, "sessionfinish")
        def pytest_unconfigure(config): note(config, "unconfigure")
        def pytest_runtest_logreport(report): note(CONFIG[0], "report " + report.when)
        CONFIG = []
        def pytest_load_initial_conftests(early_config): pass
        def pytest_plugin_registered(plugin, manager):
            config = manager.getplugin("pytestconfig")
            CONFIG[:] = [config]
        """
    )
    pytester.makepyfile("def test_one(): pass")
    pytester.runpytest_subprocess(*on_workers(1, "spawn")).assert_outcomes(passed=1)
    heard = {path.name: path.read_text().split("\n") for path in pytester.path.glob("heard-*")}
    assert heard["heard-gw0"] == [
        *("configure", "sessionstart", "collection", "worker_start", "setup", "worker_finish"),
        *("sessionfinish", "unconfigure", ""),
    ]
    reports = ["report setup", "report call", "report teardown"]
    assert heard["heard-controller"] == [
        *("configure", "sessionstart", "collection", *reports, "sessionfinish", "unconfigure", "")
    ]


def test_worker_is_known_before_anything_is_imported(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        early="""
        import os
        NAME = os.environ.get("PYTEST_XDIST_WORKER")
        def pytest_load_initial_conftests(early_config):
            early_config.seen = getattr(early_config, "workerinput", {}).get("workerid")
        """,
        test_one="""
        import early
        def test_one(pytestconfig, worker_id):
            assert early.NAME == worker_id == pytestconfig.seen
        """,
    )
    pytester.runpytest_subprocess("-p", "early", *SPAWN).assert_outcomes(passed=1)


WAITS = """
import os, pathlib, time
ME = os.environ.get("PYTEST_XDIST_WORKER", "controller")
def await_file(name):
    until = time.monotonic() + 30
    while not pathlib.Path(name).exists():
        assert time.monotonic() < until, name
        time.sleep(0.01)
"""


def test_all_collect_at_once(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        waits=WAITS,
        test_one="""
        from waits import *
        pathlib.Path("collecting-" + ME).touch()
        for name in ("controller", "gw0", "gw1"):
            await_file("collecting-" + name)
        def test_one(): pass
        """,
    )
    pytester.runpytest_subprocess(*SPAWN).assert_outcomes(passed=1)


def test_first_test_starts_when_one_worker_is_ready(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        waits=WAITS,
        test_one="""
        from waits import *
        if ME == "gw1":
            await_file("begun")
        def test_one(worker_id):
            pathlib.Path("begun").touch()
            assert worker_id == "gw0"
        """,
    )
    pytester.runpytest_subprocess(*SPAWN).assert_outcomes(passed=1)


def test_workers_collect_what_the_arguments_name(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_one="def test_one(): pass\ndef test_two(): assert 0\n",
        test_other="import os\nassert 'PYTEST_XDIST_WORKER' not in os.environ\nassert 0\n",
    )
    result = pytester.runpytest_subprocess("test_one.py::test_one", *SPAWN)
    result.assert_outcomes(passed=1)


def test_modules_beside_the_tests_do_not_hide_those_of_python(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        colorsys="raise ImportError('not that of Python')",
        test_one="import colorsys\ndef test_one(): assert colorsys.rgb_to_hsv(0, 0, 0)\n",
    )
    # Neither this program nor this environment puts the folder on `sys.path`.
    command = (str(Path(sys.executable).with_name("pytest")), "--import-mode=importlib", *SPAWN)
    variables = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert "1 passed" in run.stdout
    assert "spawn (" in run.stdout


def test_ids_that_differ_are_run_where_they_are(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os
        import pytest
        WORKER = os.environ.get("PYTEST_XDIST_WORKER", "all")
        NAMES = {"all": ["gw0", "gw1", "nobody"], "gw0": ["gw0"], "gw1": ["gw1"]}
        @pytest.mark.parametrize("name", NAMES[WORKER])
        def test_one(name, worker_id): assert name == worker_id
        def test_two(): pass
        """
    )
    result = pytester.runpytest_subprocess(*SPAWN)
    result.assert_outcomes(passed=3, errors=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    lines = [line for line in result.stdout.lines if "not every worker collected" in line]
    assert len(lines) == 1
    assert "test_one[gw0]" in lines[0]
    assert "test_one[nobody]" not in lines[0]
    result.stdout.fnmatch_lines(["*no worker has this test*"])


def test_same_id_twice_is_two_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_one(): pass")
    twice = ("--keep-duplicates", "test_same_id_twice_is_two_tests.py") * 2
    result = pytester.runpytest_subprocess(*twice, *SPAWN)
    result.assert_outcomes(passed=2)


def test_controller_alone_selects(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_good(): pass\ndef test_bad(): assert 0")
    pytester.runpytest_subprocess(*SPAWN).assert_outcomes(passed=1, failed=1)
    result = pytester.runpytest_subprocess("--lf", *SPAWN)
    result.assert_outcomes(failed=1)
    pytester.runpytest_subprocess("--sw", *SPAWN).assert_outcomes(passed=1, failed=1)
    pytester.runpytest_subprocess("--sw", *SPAWN).assert_outcomes(failed=1, deselected=1)


def test_arguments_mean_the_same_in_workers(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makefile(".ini", other="[pytest]\naddopts = --word=ini\npythonpath = lib\n")
    pytester.makeconftest("def pytest_addoption(parser): parser.addoption('--word')")
    (pytester.path / "lib").mkdir()
    (pytester.path / "lib" / "found.py").write_text("")
    elsewhere = pytester.mkdir("elsewhere")
    (elsewhere / "by_environment.py").write_text("")
    with zipfile.ZipFile(pytester.path / "zipped.zip", "w") as archive:
        archive.writestr("by_zip.py", "")
    tests = pytester.mkdir("tests")
    (tests / "test_one.py").write_text(
        "import found, by_environment, by_zip, os\n"
        "def test_one(pytestconfig):\n"
        "    assert pytestconfig.getoption('word') == 'ini'\n"
        "    assert pytestconfig.getoption('verbose') == 1\n"
        "    assert pytestconfig.inipath.name == 'other.ini'\n"
        "    assert pytestconfig.rootpath == pytestconfig.invocation_params.dir\n"
        "    assert os.getcwd() == str(pytestconfig.rootpath)\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{elsewhere}:{pytester.path / 'zipped.zip'}")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-v -p no:hypothesispytest")
    arguments = ("-c", "other.ini", "--rootdir=.", "--import-mode=importlib", "tests")
    pytester.runpytest_subprocess(*arguments, *SPAWN).assert_outcomes(passed=1)


def test_embedded_pytest_spawns_its_workers(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        named="import pytest\n@pytest.fixture\ndef named(): return 3\n",
        test_one="def test_one(named): assert named == 3",
        program="""
        import sys, pytest, named
        class Mine:
            def __repr__(self): return "Mine()"
        if __name__ == "__main__":
            arguments = ["-p", "no:cacheprovider", "--concurrent", "--concurrent-start=spawn"]
            for _ in range(2):
                assert pytest.main(arguments, plugins=[named, Mine()]) == 0
        """,
    )
    result = pytester.runpython(pytester.path / "program.py")
    assert result.ret == 0, result.stderr.str()
    assert result.stdout.str().count("1 passed") == 2
    assert result.stdout.str().count("cannot be handed to workers") == 2
    result.stdout.fnmatch_lines(["concurrent: warning: *Mine()*"])


def test_conftest_that_fails_in_workers_ends_the_run(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import os\nassert 'PYTEST_XDIST_WORKER' not in os.environ, 'no place'")
    pytester.makepyfile("def test_one(): pass")
    result = pytester.runpytest_subprocess(*SPAWN)
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    result.stdout.fnmatch_lines(["*worker gw? could not collect the tests:*", "*no place*"])


def test_workers_leave_when_nothing_is_to_run(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "def pytest_sessionfinish(session):\n"
        "    name = getattr(session.config, 'workerinput', {}).get('workerid', 'controller')\n"
        "    open(f'ended-{name}', 'w').close()\n"
    )
    pytester.makepyfile("raise ValueError")
    result = pytester.runpytest_subprocess(*SPAWN)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=1)


def test_temp_folders_and_log_file_are_those_of_the_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import logging, pytest
        @pytest.mark.parametrize("number", range(20))
        def test_one(number, tmp_path, worker_id):
            assert tmp_path.parent.name == f"popen-{worker_id}"
            logging.warning("line %s", number)
        """
    )
    options = ("--basetemp=temp", "--log-file=log.txt")
    pytester.runpytest_subprocess(*options, *SPAWN).assert_outcomes(passed=20)
    lines = (pytester.path / "log.txt").read_text().splitlines()
    assert sorted(line.rpartition("line ")[2] for line in lines) == sorted(map(str, range(20)))
    assert {path.name for path in (pytester.path / "temp").glob("popen-*")} <= {
        "popen-gw0",
        "popen-gw1",
    }


def test_warnings_that_are_errors_let_workers_start(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    pytester.makepyfile("def test_one(): pass")
    result = pytester.runpytest_subprocess(
        "--concurrent-start=spawn", "--concurrent", "--workers=1"
    )
    result.assert_outcomes(passed=1)


def test_killed_controller_takes_its_workers_along(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os, pathlib, time
        def test_long():
            pathlib.Path("pid.new").write_text(str(os.getpid()))
            os.rename("pid.new", "pid")
            time.sleep(60)
        """
    )
    command = (sys.executable, "-m", "pytest", *on_workers(1, "spawn"))
    with pytester.popen(command, stdin=subprocess.DEVNULL) as controller:
        note = pytester.path / "pid"
        assert eventually(note.exists)
        worker = int(note.read_text())
        controller.kill()
        controller.wait()
        assert eventually(lambda: not Path(f"/proc/{worker}").exists())


def eventually(is_so: Callable[[], bool]) -> bool:
    """Whether something comes true within 20 s."""
    until = time.monotonic() + 20
    while not is_so() and time.monotonic() < until:
        time.sleep(0.02)
    return is_so()
