"""What somebody reads who gave an option a wrong value, and what never fails."""

from __future__ import annotations

import pytest

SUITE = "def test_passes(): pass"


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (
            "--workers=-1",
            "'-1' is not accepted for --concurrent-workers *: expected auto, or a whole*",
        ),
        ("--workers=abc", "'abc' is not accepted *expected auto, or a whole number from 0 to 1024"),
        ("--workers=1e9", "'1e9' is not accepted *"),
        ("--workers=1.5", "'1.5' is not accepted *"),
        ("--concurrent-workers=x", "* (--concurrent-workers on the command line)*"),
        ("--concurrent-shard=0/3", "'0/3' is not accepted *expected I/N with 1 <= I <= N*"),
        ("--concurrent-shard=4/3", "'4/3' is not accepted *"),
        ("--concurrent-shard=a/b", "'a/b' is not accepted *"),
        ("--timeout=0", "'0' is not accepted for --concurrent-timeout *expected a number of sec*"),
        ("--concurrent-test-timeout=-5", "'-5' is not accepted *"),
        ("--worker-timeout=nan", "'nan' is not accepted *"),
        ("--concurrent-slow=1e999", "'1e999' is not accepted *"),
        (
            "--concurrent-start=thread",
            "'thread' is not accepted *expected one of auto, fork*",
        ),
        ("--concurrent-group=module", "*expected one of auto, test, class, file, mark"),
        ("--concurrent-max-worker-restarts=-1", "'-1' is not accepted *"),
        ("--import-timings=absent.json", "* there is no such file; expected a file*"),
        ("--export-timings=.", "* this is a folder; expected the path of a file to write"),
        ("--workers=0 --test-timeout=5", "*needs a worker*--workers=0*drop one of them"),
    ],
)
def test_wrong_value_ends_with_usage_error(
    pytester: pytest.Pytester, args: str, expected: str
) -> None:
    pytester.makepyfile(SUITE)
    result = pytester.runpytest("--concurrent", *args.split(), "-p", "no:timeout")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {expected}"])
    result.stdout.no_fnmatch_line("*passed*")


def test_wrong_variable_is_named(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(SUITE)
    monkeypatch.setenv("DJANGO_TEST_TIMEOUT", "soon")
    result = pytester.runpytest("--concurrent")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: 'soon' is *(environment variable DJANGO_TEST_TIMEOUT)*"])


def test_wrong_variable_never_fails_plain_pytest(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(SUITE)
    pytester.makeini("[pytest]\nconcurrent_workers = many\nconcurrent_enabled = perhaps\n")
    monkeypatch.setenv("DJANGO_TEST_TIMEOUT", "soon")
    monkeypatch.setenv("DJANGO_ENABLE_CONCURRENT", "sometimes")
    monkeypatch.setenv("TEST_TIMINGS_FILE", ".")
    pytester.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "flag",
    [
        "--collect-only",
        "--setup-plan",
        "--fixtures",
        "--fixtures-per-test",
        "--markers",
        "--help",
        "--version",
    ],
)
def test_looking_at_the_suite_never_fails(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    pytester.makepyfile(SUITE)
    monkeypatch.setenv("DJANGO_TEST_TIMEOUT", "soon")
    result = pytester.runpytest("--concurrent", "--workers=abc", flag)
    assert result.ret == pytest.ExitCode.OK


def test_workers_alone_switch_nothing_on(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os

        def test_is_in_no_worker(request):
            assert "PYTEST_CONCURRENT" not in os.environ
            assert not hasattr(request.config, "workerinput")
        """
    )
    pytester.runpytest("--workers=2").assert_outcomes(passed=1)


def test_marks_are_listed(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--markers")
    for mark in (
        "concurrent_serial",
        "concurrent_resource(name, slots=1)",
        "concurrent_group(name)",
    ):
        result.stdout.fnmatch_lines([f"@pytest.mark.{mark}: *"])
    result.stdout.no_fnmatch_line("@pytest.mark.serial*")


def test_short_marks_are_listed_on_request(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--markers", "-o", "concurrent_short_marks=true")
    result.stdout.fnmatch_lines(["@pytest.mark.serial: *"])


class TestXdist:
    @pytest.fixture(autouse=True)
    def xdist(self) -> None:
        pytest.importorskip("xdist")

    @pytest.mark.parametrize("args", ["-n2", "-nauto", "--dist=loadfile -n1", "-d --tx=popen"])
    def test_distributing_twice_is_refused(self, pytester: pytest.Pytester, args: str) -> None:
        pytester.makepyfile(SUITE)
        result = pytester.runpytest_subprocess("--concurrent", *args.split())
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["ERROR: --concurrent (*: drop -n and --dist, or drop *"])

    @pytest.mark.parametrize("args", ["-n2", "--no-concurrent -n2", "--workers=2 -n2"])
    def test_xdist_alone_works(
        self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, args: str
    ) -> None:
        pytester.makepyfile(SUITE)
        result = pytester.runpytest_subprocess(*args.split())
        assert result.ret == pytest.ExitCode.OK
        result.assert_outcomes(passed=1)


def test_django_settings_are_read_and_checked(pytester: pytest.Pytester) -> None:
    pytest.importorskip("django")
    pytester.makeconftest(
        """
        from django.conf import settings

        settings.configure(CONCURRENT_TEST={"ENABLED": True, "WORKRES": 2})
        """
    )
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: settings.CONCURRENT_TEST has unknown keys: WORKRES; *"])
    pytester.runpytest_subprocess("--no-concurrent").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("args", "instead"),
    [
        ("-n 4", "-n is an option of pytest-xdist, which is not loaded; * say --workers N"),
        ("-nauto", "-n is an option of pytest-xdist, *"),
        ("--dist=loadfile", "--dist is *say --concurrent-group class or file*"),
        ("--max-worker-restart 2", "--max-worker-restart *--concurrent-max-worker-restarts N"),
    ],
)
def test_options_of_xdist_are_translated(
    pytester: pytest.Pytester, args: str, instead: str
) -> None:
    pytester.makepyfile(SUITE)
    result = pytester.runpytest("--concurrent", *args.split(), "-p", "no:xdist")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {instead}"])


def test_same_option_of_a_conftest_is_its_own(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("def pytest_addoption(parser): parser.addoption('--dist')")
    pytester.makepyfile("def test_one(request): assert request.config.option.dist == 'x'")
    result = pytester.runpytest("--concurrent", "--dist=x", "-p", "no:xdist")
    result.assert_outcomes(passed=1)
