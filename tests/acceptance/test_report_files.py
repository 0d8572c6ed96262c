"""Where reports and timings are written: never through a link, and for whom the umask says."""

from __future__ import annotations

import os
import stat

import pytest

from .parity import on_workers

OUTPUTS = (
    "--concurrent-events",
    "--concurrent-benchmark-json",
    "--export-timings",
    "--export-timings-csv",
)


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile("def test_one(): pass\ndef test_two(): pass")
    return pytester


@pytest.mark.parametrize("kind", [(), on_workers(2)], ids=["plain", "on workers"])
def test_link_is_never_followed(suite: pytest.Pytester, kind: tuple[str, ...]) -> None:
    """Neither one that leads to a file nor one that leads nowhere."""
    outside = suite.mkdir("outside")
    asked = []
    for number, option in enumerate(OUTPUTS):
        target = outside / f"target{number}"
        if number % 2:
            target.write_text("precious")
        link = suite.path / f"output{number}"
        link.symlink_to(target)
        asked.append(f"{option}={link}")
    result = suite.runpytest_subprocess(*kind, *asked)
    result.assert_outcomes(passed=2)
    assert {path.name: path.read_text() for path in outside.iterdir()} == {
        "target1": "precious",
        "target3": "precious",
    }
    warned = [line for line in result.outlines if "symbolic link" in line]
    assert len(warned) == len(OUTPUTS), result.stdout.str()


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_files_follow_the_umask(suite: pytest.Pytester, umask: int) -> None:
    asked = [f"{option}=output{number}" for number, option in enumerate(OUTPUTS)]
    before = os.umask(umask)
    try:
        suite.runpytest_subprocess(*on_workers(2), *asked).assert_outcomes(passed=2)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in suite.path.glob("output*")}
    assert len(modes) == len(OUTPUTS)
    assert {mode & umask for mode in modes.values()} == {0}
    assert {mode & 0o700 for mode in modes.values()} == {0o600}


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("--import-timings", '{"a": 1.0}'),
        ("--import-timings-csv", "test_id,duration_seconds\na,1\n"),
    ],
)
@pytest.mark.parametrize("fault", ["link", "world-writable"])
def test_timings_that_others_could_have_written_are_refused(
    suite: pytest.Pytester, option: str, content: str, fault: str
) -> None:
    file = suite.path / "given"
    file.write_text(content)
    if fault == "link":
        file = suite.path / "link"
        file.symlink_to("given")
        expected = "*link is a symbolic link, which is not followed: name the file itself*"
    else:
        file.chmod(0o666)
        expected = "*can be written by every user of this machine*chmod o-w*"
    result = suite.runpytest_subprocess(*on_workers(2), f"{option}={file}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {expected}"])
    assert (suite.path / "given").read_text() == content


def test_own_timings_that_everybody_may_write_are_set_aside(suite: pytest.Pytester) -> None:
    suite.runpytest_subprocess(*on_workers(2)).assert_outcomes(passed=2)
    file = suite.path / ".pytest_cache" / "d" / "concurrent" / "timings.json"
    file.chmod(0o666)
    result = suite.runpytest_subprocess(*on_workers(2))
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*can be written by every user*kept as *timings.json.bad*"])
    assert file.with_name("timings.json.bad").exists()
    assert not file.stat().st_mode & stat.S_IWOTH
