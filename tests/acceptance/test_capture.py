"""What tests print and log is theirs alone, and shown where a sequential run shows it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter

import pytest

from .parity import Compare, on_workers

OUTPUT = """
import logging
import os
import subprocess
import sys

import pytest

logger = logging.getLogger("mine")


@pytest.fixture
def loud():
    print("in set-up")
    logger.warning("logged in set-up")
    yield
    print("in teardown")
    logger.error("logged in teardown")


@pytest.mark.parametrize("number", range(6))
def test_output(loud, number):
    print(f"{number} by print")
    print(f"{number} by stderr", file=sys.stderr)
    os.write(1, f"{number} by descriptor\\n".encode())
    os.write(2, "by descriptor, too \u2713\\n".encode())
    subprocess.run([sys.executable, "-c", f"print('{number} by child')"])
    logger.info("info %s", number)
    logger.warning("warning %s", number)
    assert number % 2
"""


@pytest.fixture(autouse=True)
def suite(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_loud=OUTPUT)


@pytest.mark.parametrize(
    "options",
    [
        ("-rA",),
        ("-rA", "--capture=sys", "--log-level=INFO"),
        ("--show-capture=log", "--log-format=%(message)s"),
        ("-rA", "-p", "no:logging"),
    ],
    ids=" ".join,
)
def test_sections_are_equal(compare: Compare, options: tuple[str, ...]) -> None:
    compare(*options, "-o", "junit_logging=all")


def test_capture_fixtures_work(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(
        test_loud="""
        import logging
        import os
        import sys

        def test_capsys(capsys):
            print("out")
            assert capsys.readouterr().out == "out\\n"
            with capsys.disabled():
                pass
            print("left over")

        def test_capfd(capfd):
            os.system("echo out")
            assert capfd.readouterr().out == "out\\n"

        def test_caplog(caplog):
            with caplog.at_level(logging.DEBUG):
                logging.getLogger("mine").debug("hello")
            assert caplog.messages == ["hello"]

        def test_stdin():
            try:
                sys.stdin.read()
            except OSError as error:
                assert "reading from stdin" in str(error)
            else:
                assert False

        def test_encoding():
            print("\\u2713 \\udcff".encode("utf-8", "surrogateescape"))
            print("\\u2713")
            assert sys.stdout.encoding.lower() == "utf-8"
        """
    )
    assert compare("-rA").code == 0


def test_output_without_capture_is_whole(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("-s", "--tb=no", *on_workers(2))
    lines = [line for line in result.stdout.lines if " by " in line]
    assert all(line.startswith(("[gw0] ", "[gw1] ")) for line in lines)
    told = Counter(line.split(" ", 1)[1] for line in lines)
    for number in range(6):
        for how in ("print", "descriptor", "child"):
            assert told[f"{number} by {how}"] == 1


def test_log_file_has_whole_lines(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_log="""
        import logging
        import pytest

        @pytest.mark.parametrize("number", range(300))
        def test_log(number):
            logging.getLogger("mine").warning("number %s %s", number, "x" * 50)
        """
    )
    command = ["--log-file=file.log", "--log-file-format=%(message)s", "test_log.py"]
    pytester.runpytest_subprocess(*command, *on_workers(3)).assert_outcomes(passed=300)
    lines = (pytester.path / "file.log").read_text().splitlines()
    assert sorted(lines) == sorted(f"number {number} {'x' * 50}" for number in range(300))


def test_live_log_shows_each_record(pytester: pytest.Pytester) -> None:
    args = ("--log-cli-level=INFO", "--log-cli-format=%(message)s", "-p", "no:cacheprovider")
    found = []
    for more in [(), on_workers(1)]:
        lines = pytester.runpytest_subprocess(*args, *more).stdout.lines
        begin = next(number for number, line in enumerate(lines) if line.startswith("test_loud"))
        end = next(number for number, line in enumerate(lines) if "FAILURES" in line)
        kept = [line for line in lines[begin:end] if line.startswith(("info", "warn", "logged"))]
        found.append(kept)
    assert found[0] == found[1]
    assert len(found[0]) == 6 * 4


def test_workers_have_no_input_under_s(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_reads="import sys\ndef test_reads():\n    assert sys.stdin.read() == ''\n"
    )
    command = [sys.executable, "-m", "pytest", "-s", "test_reads.py", "--concurrent", "--workers=1"]
    result = pytester.run(*command, stdin=b"hello\n")
    assert result.ret == 0


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_line_is_shown_while_it_is_being_written(pytester: pytest.Pytester, start: str) -> None:
    pytester.makepyfile(
        test_dots="""
        import pathlib
        import time

        def test_dots():
            print("dots", end="...", flush=True)
            while not pathlib.Path("seen").exists():
                time.sleep(0.01)
            print(" done")

        def test_other(): pass
        """,
    )
    command = (sys.executable, "-m", "pytest", "-s", "test_dots.py", *on_workers(2, start))
    with pytester.popen(command, stdin=subprocess.DEVNULL) as run:
        assert run.stdout is not None
        shown = b""
        # The test does not end before what it has begun to say is read here.
        while b"dots..." not in shown and (more := os.read(run.stdout.fileno(), 65536)):
            shown += more
        (pytester.path / "seen").touch()
        shown += run.stdout.read()
        assert run.wait() == 0, shown.decode()
    lines = shown.decode().splitlines()
    assert any(re.fullmatch(r"\[gw[01]\] dots\.\.\. done", line) for line in lines), lines
