"""pytest started from Python: twice in one process, with plugins as objects, inside a test."""

from __future__ import annotations

import pytest

from .parity import on_workers


def test_main_may_run_twice(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_some="def test_one(): pass\ndef test_two(): assert 0\n")
    pytester.makepyfile(
        driver="""
        import threading
        import pytest

        class Listener:
            def __init__(self):
                self.heard = []

            def pytest_runtest_logreport(self, report):
                self.heard.append((report.nodeid, report.when, report.outcome))

        told = []
        for args in (["--concurrent", "--workers=2"], [], ["--concurrent", "--workers=2"]):
            listener = Listener()
            code = pytest.main([*args, "-p", "no:cacheprovider"], plugins=[listener])
            told.append((code, sorted(listener.heard)))
            assert threading.active_count() == 1
        assert len(told[0][1]) == 6
        assert told[0] == told[1] == told[2]
        print("all equal")
        """
    )
    result = pytester.runpython(pytester.path / "driver.py")
    assert result.ret == 0, result.stderr.str()
    result.stdout.fnmatch_lines(["all equal"])


def test_nested_run_is_its_own(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pytest inside a test obeys its own command line only."""
    monkeypatch.setenv("DJANGO_ENABLE_CONCURRENT", "1")
    pytester.makeconftest("pytest_plugins = ['pytester']")
    pytester.makepyfile(
        """
        INNER = '''
        import os
        def test_inner(worker_id, request):
            concurrent = hasattr(request.config, "workerinput")
            assert worker_id == "%s"
            assert concurrent == (worker_id != "master")
        '''

        def test_sequential(pytester):
            pytester.makepyfile(INNER % "master")
            result = pytester.runpytest_subprocess()
            result.assert_outcomes(passed=1)
            assert "concurrent:" not in result.stdout.str()

        def test_in_process(pytester):
            pytester.makepyfile(INNER % "master")
            pytester.runpytest_inprocess().assert_outcomes(passed=1)

        def test_on_workers(pytester):
            pytester.makepyfile(INNER % "gw0")
            result = pytester.runpytest_subprocess("--concurrent", "--workers=1")
            result.assert_outcomes(passed=1)
            result.stdout.fnmatch_lines(["concurrent: 1 worker*"])
        """
    )
    result = pytester.runpytest_subprocess("--workers=2")
    result.stdout.fnmatch_lines(["concurrent: 2 workers*"])
    result.assert_outcomes(passed=3)


def test_no_workers_is_sequential(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os
        def test_one(worker_id):
            assert worker_id == "master"
            assert "PYTEST_XDIST_WORKER" not in os.environ
        """
    )
    result = pytester.runpytest_subprocess("--concurrent", "--workers=0")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["concurrent: sequentially, without workers: *"])


def test_tiny_suite_runs_on_a_worker(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os
        def test_one():
            assert os.environ["PYTEST_XDIST_WORKER"] == "gw0"
        """
    )
    result = pytester.runpytest_subprocess("--concurrent")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["concurrent: 1 worker *"])


def test_worker_says_where_it_is(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_environment(worker_id, testrun_uid, pytestconfig, number):
            environ = os.environ
            assert environ["PYTEST_CONCURRENT"] == "1"
            assert environ["PYTEST_CONCURRENT_RUN_ID"] == testrun_uid
            assert environ["PYTEST_XDIST_TESTRUNUID"] == testrun_uid
            assert environ["PYTEST_XDIST_WORKER"] == worker_id
            assert environ["PYTEST_XDIST_WORKER_COUNT"] == "2"
            assert f"gw{environ['PYTEST_CONCURRENT_SLOT']}" == worker_id
            assert pytestconfig.workerinput["workerid"] == worker_id
            assert pytestconfig.workerinput["workercount"] == 2
            assert environ["PYTEST_CURRENT_TEST"].startswith("test_worker")
            assert len(os.listdir("/proc/self/task")) == 1
        """
    )
    pytester.runpytest_subprocess(*on_workers(2)).assert_outcomes(passed=4)


def test_random_state_is_as_asked(pytester: pytest.Pytester) -> None:
    """What was seeded begins alike in each worker; what was not is different in each."""
    for name in ("one", "two"):
        pytester.makepyfile(
            **{
                f"test_{name}": """
                import pathlib
                import random
                import time

                def test_random(worker_id):
                    pathlib.Path(worker_id).write_text(str(random.random()))
                    while len(list(pathlib.Path().glob("gw?"))) < 2:
                        time.sleep(0.01)
                """
            }
        )
    numbers = []
    for conftest in ("import random\nrandom.seed(7)\n", ""):
        pytester.makeconftest(conftest)
        pytester.runpytest_subprocess(*on_workers(2)).assert_outcomes(passed=2)
        files = list(pytester.path.glob("gw?"))
        numbers.append({file.read_text() for file in files})
        for file in files:
            file.unlink()
    assert [len(found) for found in numbers] == [1, 2]


def test_plugin_given_as_object_acts_on_workers(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_some="def test_one(given):\n    assert given == 'gw0'\n")
    pytester.makepyfile(
        driver="""
        import os
        import pytest

        class Plugin:
            def __init__(self):
                self.heard = []

            @pytest.fixture
            def given(self):
                return self.given

            def pytest_runtest_setup(self, item):
                self.given = os.environ["PYTEST_XDIST_WORKER"]

            def pytest_runtest_logreport(self, report):
                self.heard.append(report.outcome)

        plugin = Plugin()
        assert pytest.main(["--concurrent", "--workers=1"], plugins=[plugin]) == 0
        assert plugin.heard == ["passed"] * 3
        """
    )
    result = pytester.runpython(pytester.path / "driver.py")
    assert result.ret == 0, result.stderr.str()


LOADED = {
    "by module": ("1", "-p pytest_concurrent.plugin"),
    "by name": ("1", "-p pytest_concurrent"),
    "twice": ("", "-p pytest_concurrent.plugin"),
}


@pytest.mark.parametrize(("without_others", "options"), LOADED.values(), ids=LOADED)
def test_plugin_may_be_named(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, without_others: str, options: str
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", without_others)
    monkeypatch.setenv("PYTEST_ADDOPTS", f"{options} --concurrent --workers=2")
    pytester.makepyfile("def test_one(worker_id): assert worker_id in ('gw0', 'gw1')\n")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["concurrent: 2 workers*"])


def test_file_on_terminal_may_be_replaced(pytester: pytest.Pytester) -> None:
    """`--pastebin=all`, and whoever else listens to what the reporter writes, hears everything."""
    pytester.makeconftest(
        """
        from pathlib import Path
        import _pytest.pastebin

        def paste(contents):
            Path("pasted").write_bytes(contents)
            return "nowhere"

        _pytest.pastebin.create_new_paste = paste
        """
    )
    pytester.makepyfile("def test_one(): pass\ndef test_two(): assert 0\n")
    result = pytester.runpytest_subprocess("--pastebin=all", "-v", *on_workers(2))
    result.assert_outcomes(passed=1, failed=1)
    pasted = (pytester.path / "pasted").read_text().strip()
    assert pasted in result.stdout.str()
    for wanted in ("concurrent: 2 workers", "::test_one PASSED", "assert 0", "1 failed, 1 passed"):
        assert wanted in pasted
