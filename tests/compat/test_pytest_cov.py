"""Coverage measured in forked workers is the coverage of a sequential run."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("pytest_cov")

PACKAGE = """
def sign(number):
    if number > 0:
        return 1
    elif number < 0:
        return -1
    return 0

def never_called():
    return None
"""
TESTS = """
import measured
import pytest

@pytest.mark.parametrize("number", [1, 5, 7, 0])
def test_sign(number):
    assert measured.sign(number) >= 0

def test_nothing():
    pass
"""


@pytest.mark.parametrize("options", [(), ("--cov-branch",), ("--cov-context=test",)])
def test_workers_measure_what_a_sequential_run_measures(
    pytester: pytest.Pytester, options: tuple[str, ...]
) -> None:
    pytester.makepyfile(measured=PACKAGE, test_measured=TESTS)
    found = {}
    for name, mode in {"sequential": (), "workers": ("--concurrent", "--workers=2")}.items():
        report = f"--cov-report=json:{name}.json"
        result = pytester.runpytest_subprocess("--cov=measured", report, *options, *mode)
        result.assert_outcomes(passed=5)
        found[name] = json.loads((pytester.path / f"{name}.json").read_text())["files"]
    assert found["workers"] == found["sequential"]
    assert found["workers"]["measured.py"]["summary"]["missing_lines"] == 2
