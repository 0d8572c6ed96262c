from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from pytest_concurrent.reporting import commands


class FakeEngine:
    """Takes numbers of seconds for reports."""

    def benchmark(self, report: bytes, /) -> tuple[str, list[str]]:
        return f'{{"wall": {float(report)}}}\n', [f"Total duration: {float(report)} s"]

    def compare(
        self, before: bytes, after: bytes, share: float, seconds: float, /
    ) -> tuple[bool, list[str]]:
        old, new = float(before), float(after)
        return new > old * (1 + share) and new - old > seconds, [f"{old} -> {new}"]


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    commands.add_commands(parser.add_subparsers())
    return parser


def write_reports(folder: Path, *contents: str) -> list[str]:
    paths = [folder / f"report{index}" for index in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_text(content)
    return [str(path) for path in paths]


@pytest.mark.parametrize(
    ("after", "options", "expected"),
    [
        ("11", [], commands.OK),
        ("13", [], commands.SLOWER),
        ("13", ["--threshold", "50"], commands.OK),
        ("13", ["--min-seconds", "5"], commands.OK),
        ("11", ["--threshold=5"], commands.SLOWER),
    ],
)
def test_exit_code_tells_whether_slower(
    parser: argparse.ArgumentParser, tmp_path: Path, after: str, options: list[str], expected: int
) -> None:
    arguments = parser.parse_args(["compare", *write_reports(tmp_path, "10", after), *options])
    assert arguments.run is commands.compare
    assert commands.compare(arguments, FakeEngine()) == expected


def test_compare_prints_the_lines(
    parser: argparse.ArgumentParser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = parser.parse_args(["compare", *write_reports(tmp_path, "10", "11")])
    commands.compare(arguments, FakeEngine())
    assert capsys.readouterr().out == "10.0 -> 11.0\n"


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "much"])
def test_threshold_is_a_number_not_below_zero(
    parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    with pytest.raises(SystemExit):
        parser.parse_args(["compare", "a", "b", f"--threshold={value}"])
    assert "--threshold" in capsys.readouterr().err


def test_a_missing_report_is_named(
    parser: argparse.ArgumentParser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing"
    arguments = parser.parse_args(["compare", str(missing), str(missing)])
    assert commands.compare(arguments, FakeEngine()) == commands.UNUSABLE
    assert f"cannot read {missing}: No such file or directory" in capsys.readouterr().err


def test_a_report_of_another_kind_is_named(
    parser: argparse.ArgumentParser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = write_reports(tmp_path, "1", "<xml/>")
    arguments = parser.parse_args(["compare", before, after])
    assert commands.compare(arguments, FakeEngine()) == commands.UNUSABLE
    assert f"cannot compare {before} with {after}: " in capsys.readouterr().err


def test_report_prints_and_writes_the_benchmark(
    parser: argparse.ArgumentParser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    json = tmp_path / "out" / "benchmark.json"
    (events,) = write_reports(tmp_path, "7")
    arguments = parser.parse_args(["report", events, "--benchmark-json", str(json)])
    assert commands.report(arguments, FakeEngine()) == commands.OK
    assert capsys.readouterr().out == "Total duration: 7.0 s\n"
    assert json.read_text() == '{"wall": 7.0}\n'


def test_report_without_file_only_prints(
    parser: argparse.ArgumentParser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (events,) = write_reports(tmp_path, "7")
    assert commands.report(parser.parse_args(["report", events]), FakeEngine()) == commands.OK
    assert capsys.readouterr().out == "Total duration: 7.0 s\n"
    assert len(list(tmp_path.iterdir())) == 1


def test_an_unwritable_report_is_named(
    parser: argparse.ArgumentParser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (events,) = write_reports(tmp_path, "7")
    arguments = parser.parse_args(["report", events, "--benchmark-json", str(tmp_path)])
    assert commands.report(arguments, FakeEngine()) == commands.UNUSABLE
    assert f"cannot write {tmp_path}: it is not a regular file" in capsys.readouterr().err
