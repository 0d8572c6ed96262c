from __future__ import annotations

import re

import pytest

from pytest_concurrent.reporting.terminal import (
    Plan,
    Terminal,
    header_line,
    share_lines,
)

TELLING_CONFTEST = """
    import pytest
    from pytest_concurrent.reporting.terminal import Terminal

    def pytest_collection_finish(session):
        Terminal(session.config).header(["concurrent: 2 workers"])

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(nodeid):
        if nodeid.endswith(("_b", "_c")):
            Terminal(CONFIG[0]).between_tests(f" {nodeid} gw1 1.2s", word="FAILED", red=True)

    def pytest_terminal_summary(config):
        Terminal(config).section("concurrent benchmark", ["Total tests: 4"])

    CONFIG = []

    def pytest_configure(config):
        CONFIG.append(config)
"""


@pytest.fixture
def telling(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Two files of two tests; a line of ours follows the tests ``b`` and ``c``."""
    for name in ("PY_COLORS", "NO_COLOR", "FORCE_COLOR", "PYTEST_ADDOPTS", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest(TELLING_CONFTEST)
    pytester.makepyfile(
        test_one="def test_a(): pass\ndef test_b(): pass",
        test_two="def test_c(): pass\ndef test_d(): pass",
    )
    return pytester


def lines_of(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    return pytester.runpytest_inprocess(*arguments).outlines


def progress_of(lines: list[str]) -> list[str]:
    """The lines that speak of tests, without pytest's percentages."""
    return [re.sub(r" +\[ *\d+%\]$", "", line) for line in lines if re.search(r"test_|^\.", line)]


def test_progress_goes_on_in_a_line_of_its_own(telling: pytest.Pytester) -> None:
    lines = lines_of(telling)
    first = next(i for i, line in enumerate(lines) if line.startswith("test_one.py"))
    assert progress_of(lines[first : first + 4]) == [
        "test_one.py ..",
        "FAILED test_one.py::test_b gw1 1.2s",
        "test_two.py .",
        "FAILED test_two.py::test_c gw1 1.2s",
    ]
    assert progress_of(lines[first + 4 : first + 5]) == ["test_two.py ."]


def test_verbose_progress_has_no_empty_lines(telling: pytest.Pytester) -> None:
    lines = lines_of(telling, "-v")
    first = next(i for i, line in enumerate(lines) if line.startswith("test_one.py"))
    assert progress_of(lines[first : first + 6]) == [
        "test_one.py::test_a PASSED",
        "test_one.py::test_b PASSED",
        "FAILED test_one.py::test_b gw1 1.2s",
        "test_two.py::test_c PASSED",
        "FAILED test_two.py::test_c gw1 1.2s",
        "test_two.py::test_d PASSED",
    ]


def test_quiet_letters_are_not_glued_to_our_line(telling: pytest.Pytester) -> None:
    assert progress_of(lines_of(telling, "-q")) == [
        "..",
        "FAILED test_one.py::test_b gw1 1.2s",
        ".",
        "FAILED test_two.py::test_c gw1 1.2s",
        ".",
    ]


@pytest.mark.parametrize("style", ["progress", "count", "times", "classic"])
def test_every_output_style_takes_our_lines(telling: pytest.Pytester, style: str) -> None:
    result = telling.runpytest_inprocess("-o", f"console_output_style={style}")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["test_one.py ..*", "FAILED test_one.py::test_b gw1 1.2s*"])


def test_the_rest_of_the_output_is_unchanged(telling: pytest.Pytester) -> None:
    telling.makepyfile(test_two="def test_c(): pass\ndef test_d(): assert False")
    with_lines = lines_of(telling)
    telling.makeconftest("")
    without = lines_of(telling)
    failures = next(line for line in without if "FAILURES" in line)
    ours = next(i for i, line in enumerate(with_lines) if "concurrent benchmark" in line)
    after = with_lines[with_lines.index(failures) - 1 : ours]
    assert after == without[without.index(failures) - 1 :][: len(after)]
    assert after[0] == ""


@pytest.mark.parametrize(
    ("option", "shown"), [("-v", 1), ("-q", 0), ("-qq", 0), ("--no-header", 0)]
)
def test_header_is_hidden_with_pytests_own(
    telling: pytest.Pytester, option: str, shown: int
) -> None:
    assert lines_of(telling, option).count("concurrent: 2 workers") == shown


def test_section_shows_its_title_and_lines(telling: pytest.Pytester) -> None:
    result = telling.runpytest_inprocess("-qq")
    result.stdout.fnmatch_lines(["===* concurrent benchmark *===", "Total tests: 4"])


def test_without_reporter_all_is_silent(telling: pytest.Pytester) -> None:
    result = telling.runpytest_inprocess("-p", "no:terminal")
    assert result.ret == 0
    assert result.outlines == []
    assert result.errlines == []


def test_without_reporter_progress_is_quiet(telling: pytest.Pytester) -> None:
    config = telling.parseconfigure("-p", "no:terminal")
    assert Terminal(config).verbosity == -2


def test_only_the_word_is_coloured(telling: pytest.Pytester) -> None:
    output = "\n".join(lines_of(telling, "--color=yes"))
    assert "\x1b[31mFAILED\x1b[0m test_one.py::test_b gw1 1.2s" in output
    assert "\x1b[31m" not in "\n".join(lines_of(telling, "--color=no"))


def test_no_color_is_respected(telling: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in "\n".join(lines_of(telling))


PLAN = Plan(
    workers=2,
    workers_reason="2 cores allowed by affinity",
    start_method="fork",
    tests=6895,
    timed=6895,
    estimate=41.2,
    bound=20.6,
)


def test_header_tells_the_whole_plan() -> None:
    assert header_line(PLAN) == (
        "concurrent: 2 workers (2 cores allowed by affinity), fork, estimate 41.2 s, "
        "bound 20.6 s, timings of 6,895 of 6,895 tests"
    )


def test_header_of_a_new_suite_has_no_estimate() -> None:
    plan = Plan(1, "", "spawn", tests=3, timed=0, start_reason="thread 'x' is alive")
    assert header_line(plan) == (
        "concurrent: 1 worker, spawn (thread 'x' is alive), no timings yet"
    )


def test_shares_name_tests_and_seconds() -> None:
    assert share_lines([("gw0", 3448, 20.5), ("gw1", 1, None)]) == [
        "  gw0: 3,448 tests, 20.5 s",
        "  gw1: 1 test",
    ]
