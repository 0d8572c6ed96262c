"""What is secret stands in pytest's own files if a test printed it, and never in ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .parity import on_workers

SECRET = "s3cr3t-of-the-shop"
IN_URL = "p@ss w0rd"
QUOTED = "p%40ss%20w0rd"
VARIABLES = {
    "SHOP_API_TOKEN": SECRET,
    "SHOP_BROKER": f"amqp://shop:{QUOTED}@broker/shop",
}

TESTS = f"""
import ctypes
import os
import sys

def test_fails():
    print(os.environ["SHOP_API_TOKEN"])
    raise RuntimeError("cannot reach " + os.environ["SHOP_BROKER"] + " with {IN_URL}")

def test_dies():
    os.write(2, os.environ["SHOP_API_TOKEN"].encode())
    sys.stderr.write(os.environ["SHOP_API_TOKEN"])
    os.abort()

"""
BETWEEN = f"""
import os
import pytest

@pytest.fixture(scope="module")
def broken():
    yield
    raise RuntimeError("password={IN_URL.split(maxsplit=1)[0]}x")

def test_last(broken):
    assert False, os.environ["SHOP_API_TOKEN"]
"""
OURS = {
    "--concurrent-events": "events.jsonl",
    "--concurrent-benchmark-json": "benchmark.json",
    "--export-timings": "timings.json",
    "--export-timings-csv": "timings.csv",
}


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    pytester.makepyfile(test_printing=TESTS, test_between=BETWEEN)
    return pytester


def test_secrets_that_tests_print_are_not_in_our_files(suite: pytest.Pytester) -> None:
    asked = [f"{option}={file}" for option, file in OURS.items()]
    result = suite.runpytest_subprocess(
        *on_workers(2), *asked, "--junitxml=junit.xml", "--benchmark"
    )
    result.assert_outcomes(failed=3, errors=1)
    assert SECRET in result.stdout.str()
    assert SECRET in (suite.path / "junit.xml").read_text()
    texts = {file: (suite.path / file).read_text() for file in OURS.values()}
    for secret in (SECRET, IN_URL, QUOTED, "p@ssx"):
        assert [file for file, text in texts.items() if secret in text] == []
    told = [json.loads(line) for line in texts["events.jsonl"].splitlines()]
    hidden = [one for one in told if "***" in str(one.get("message") or one.get("evidence"))]
    assert {one["test"].rpartition("::")[2] for one in hidden if "test" in one} >= {
        "test_fails",
        "test_last",
    }


def test_nothing_of_ours_beside_the_suite_holds_a_secret(suite: pytest.Pytester) -> None:
    """Neither the cache nor what is left among temporary files."""
    suite.runpytest_subprocess(*on_workers(2), "--concurrent-events=events.jsonl")
    cache = suite.path / ".pytest_cache" / "d" / "concurrent"
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if holds_secret(path)] == []


@pytest.mark.parametrize("place", ["command line", "environment", "ini file"])
def test_url_in_the_wrong_place_is_not_repeated(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    url = f"postgresql://shop:{QUOTED}@db/shop"
    args = []
    if place == "command line":
        args = [f"--concurrent-workers={url}"]
    elif place == "environment":
        monkeypatch.setenv("DJANGO_TEST_WORKERS", url)
    else:
        pytester.makeini(f"[pytest]\nconcurrent_workers = {url}\n")
    result = pytester.runpytest_subprocess("--concurrent", *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: 'postgresql://shop:[*][*][*]@db/shop' is not accepted *"])
    assert QUOTED not in result.stderr.str()


def holds_secret(path: Path) -> bool:
    """Whether one of the secrets stands in a file."""
    content = path.read_text(errors="replace")
    return any(secret in content for secret in (SECRET, IN_URL, QUOTED))
