"""Another plugin's option keeps its name and its meaning, whoever comes first."""

from __future__ import annotations

from pathlib import Path

import pytest

# --workers as pytest-parallel has it, --timeout without a dest, a switch of ours as a value.
PLUGIN = """
def pytest_addoption(parser):
    group = parser.getgroup("theirs")
    group.addoption("--workers", dest="workers", help="theirs")
    parser.addoption("--timeout", type=float, help="theirs")
    group.addoption("--benchmark", action="store", default="theirs")

def pytest_report_header(config):
    return "theirs: {} {} {}".format(*map(config.getoption, ("workers", "--timeout", "benchmark")))
"""
HEADER = "theirs: many 1.5 file"
THEIR_ARGS = ("--workers=many", "--timeout", "1.5", "--benchmark=file")
OUR_ARGS = ("--concurrent-workers=0", "--concurrent-worker-timeout=60", "--concurrent-benchmark")


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A suite that fails if our options do not reach us."""
    pytester.makepyfile(
        test_ours="""
        from pytest_concurrent.settings import resolve

        def test_ours(pytestconfig):
            settings = resolve(pytestconfig, {})
            assert (settings.workers, settings.worker_timeout) == (0, 60.0)
            assert settings.run_timeout is None
            assert settings.benchmark
        """
    )
    monkeypatch.setenv("PYTHONPATH", str(pytester.path), prepend=":")
    return pytester


def check(pytester: pytest.Pytester, *args: str) -> None:
    """Their values are theirs and ours are ours, also in ``--help``."""
    result = pytester.runpytest_subprocess(*args, *THEIR_ARGS, *OUR_ARGS)
    assert result.ret == pytest.ExitCode.OK, result.stderr.str()
    result.stdout.fnmatch_lines([HEADER])
    text = pytester.runpytest_subprocess(*args, "--help").stdout.str()
    assert "--concurrent-workers=N" in text
    assert "--workers=N" not in text
    assert "--workers=WORKERS" in text


@pytest.mark.parametrize("args", [("-p", "theirs"), ("-p", "theirs", "-p", "pytest_concurrent")])
def test_plugin_of_the_command_line_wins(suite: pytest.Pytester, args: tuple[str, ...]) -> None:
    suite.makepyfile(theirs=PLUGIN)
    check(suite, "-p", "no:timeout", *args)


def test_plugin_loaded_after_us_wins(suite: pytest.Pytester) -> None:
    suite.makepyfile(theirs=PLUGIN)
    check(suite, "-p", "no:timeout", "-p", "pytest_concurrent", "-p", "theirs")


def test_conftest_wins(suite: pytest.Pytester) -> None:
    suite.makeconftest(PLUGIN)
    check(suite, "-p", "no:timeout")


def test_plugin_of_a_conftest_wins(suite: pytest.Pytester) -> None:
    suite.makepyfile(theirs=PLUGIN)
    suite.makeconftest("pytest_plugins = ['theirs']")
    check(suite, "-p", "no:timeout")


@pytest.mark.parametrize("name", ["aaa", "zzz"])
def test_plugin_with_an_entry_point_wins(suite: pytest.Pytester, name: str) -> None:
    suite.makepyfile(theirs=PLUGIN)
    install(suite.path, "theirs", f"{name} = theirs")
    check(suite, "-p", "no:timeout")


def test_conftest_found_while_collecting_wins(suite: pytest.Pytester) -> None:
    folder = suite.mkpydir("below")
    (folder / "conftest.py").write_text(PLUGIN)
    (folder / "test_below.py").write_text("def test_below(): pass")
    result = suite.runpytest_subprocess(*OUR_ARGS, "-p", "no:timeout")
    result.assert_outcomes(passed=2)


def test_two_others_collide_as_ever(suite: pytest.Pytester) -> None:
    suite.makepyfile(theirs=PLUGIN, others=PLUGIN)
    result = suite.runpytest_subprocess("-p", "no:timeout", "-p", "theirs", "-p", "others")
    assert result.ret != pytest.ExitCode.OK
    assert "--workers" in result.stderr.str()


def test_pytest_timeout_keeps_its_option(pytester: pytest.Pytester) -> None:
    pytest.importorskip("pytest_timeout")
    pytester.makeini("[pytest]\ntimeout = 30\n")
    pytester.makepyfile(
        """
        import pytest
        from pytest_concurrent.marks import facts
        from pytest_concurrent.settings import resolve

        @pytest.mark.timeout(0)
        def test_limits(request):
            assert facts(request.node).limit is None
            assert request.config.getoption("timeout") == 20
            assert request.config.getini("timeout") == "30"
            assert resolve(request.config, {}).run_timeout == 10
        """
    )
    result = pytester.runpytest_subprocess("--timeout=20", "--concurrent-timeout=10")
    result.assert_outcomes(passed=1)
    markers = pytester.runpytest_subprocess("--markers").stdout.str()
    assert markers.count("@pytest.mark.timeout(") == 1


def test_timeout_is_ours_without_pytest_timeout(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from pytest_concurrent.marks import facts
        from pytest_concurrent.settings import resolve

        @pytest.mark.timeout(5)
        def test_limits(request):
            assert facts(request.node).limit == 5.0
            assert resolve(request.config, {}).run_timeout == 10
        """
    )
    args = ("-p", "no:timeout", "--strict-markers")
    pytester.runpytest_subprocess(*args, "--timeout=10").assert_outcomes(passed=1)
    result = pytester.runpytest_subprocess(*args, "--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.timeout(seconds): *"])


@pytest.mark.parametrize("name", ["pytest-concurrent", "pytest-parallel", "django-concurrent-test"])
def test_distribution_in_the_way_is_named(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from pytest_concurrent.collisions import conflicting_distributions

    assert name not in "".join(conflicting_distributions())
    install(pytester.path, name)
    monkeypatch.syspath_prepend(pytester.path)
    (line,) = conflicting_distributions()
    assert f"run `pip uninstall {name}`" in line


@pytest.mark.parametrize(("args", "times"), [(["--concurrent"], 1), ([], 0)])
def test_header_names_a_distribution_in_the_way(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, args: list[str], times: int
) -> None:
    install(pytester.path, "pytest-parallel")
    monkeypatch.setenv("PYTHONPATH", str(pytester.path), prepend=":")
    pytester.makepyfile("def test_passes(): pass")
    result = pytester.runpytest_subprocess(*args)
    result.assert_outcomes(passed=1)
    assert result.stdout.str().count("pytest-parallel is installed") == times


@pytest.mark.parametrize("name", ["concurrent", "zzz_concurrent"])
def test_second_entry_point_of_our_module_is_harmless(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    install(pytester.path, "pytest-concurrent", "concurrent = pytest_concurrent.plugin")
    monkeypatch.setenv("PYTHONPATH", str(pytester.path), prepend=":")
    pytester.makepyfile("def test_passes(): pass")
    pytester.runpytest_subprocess("--workers=1").assert_outcomes(passed=1)


def install(folder: Path, name: str, entry_point: str = "") -> None:
    """What an installer leaves in `folder` of a distribution with a pytest plugin."""
    records = folder / f"{name.replace('-', '_')}-0.1.dist-info"
    records.mkdir()
    (records / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    (records / "entry_points.txt").write_text(f"[pytest11]\n{entry_point}\n")
