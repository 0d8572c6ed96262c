"""Workers do without parts of pytest that the user switched off."""

from __future__ import annotations

import pytest

TESTS = """
def test_passes():
    print("printed")

def test_needs_what_is_not_there(nothing):
    pass
"""


@pytest.mark.parametrize(
    "plugin",
    [
        "terminal",
        "capture",
        "logging",
        "faulthandler",
        "junitxml",
        "tmpdir",
        "warnings",
        "debugging",
    ],
)
def test_exit_code_without_a_plugin_is_the_same(pytester: pytest.Pytester, plugin: str) -> None:
    pytester.makepyfile(TESTS)
    options = ("-p", f"no:{plugin}")
    plain = pytester.runpytest_subprocess(*options)
    result = pytester.runpytest_subprocess(*options, "--concurrent", "--workers=2")
    assert result.ret == plain.ret == 1
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
