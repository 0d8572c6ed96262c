"""Suites that are no Python: a conftest that collects YAML and compares with snapshots."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import junit
from .modes import WORKERS, Compare, Runner

CONFTEST = """
import pytest
import yaml

def pytest_addoption(parser):
    parser.addoption("--accept", action="store_true", help="write the snapshots anew")

def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".yaml" and file_path.name.startswith("test"):
        return YamlFile.from_parent(parent, path=file_path)

class YamlFile(pytest.File):
    def collect(self):
        for name, spec in sorted(yaml.safe_load(self.path.read_text()).items()):
            yield YamlItem.from_parent(self, name=name, spec=spec)

class Differs(Exception):
    pass

class YamlItem(pytest.Item):
    def __init__(self, *, spec, **kwargs):
        super().__init__(**kwargs)
        self.spec = spec

    def runtest(self):
        made = "\\n".join(f"{key}={value}" for key, value in sorted(self.spec.items()))
        file = self.path.with_name("snapshots") / f"{self.path.stem}-{self.name}.txt"
        if self.config.getoption("accept"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(made)
        elif not file.exists() or file.read_text() != made:
            raise Differs(made)

    def repr_failure(self, excinfo):
        if isinstance(excinfo.value, Differs):
            return f"snapshot of {self.name} differs: {excinfo.value}"
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, 0, f"snapshot: {self.name}"
"""


@pytest.fixture(autouse=True)
def suite(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    for name in ("one", "two"):
        lines = [f"case{number}: {{a: {number}, b: text}}" for number in range(6)]
        (pytester.path / f"test_{name}.yaml").write_text("\n".join(lines))


def snapshots(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in sorted((folder / "snapshots").iterdir())}


def test_failures_are_told_alike(pytester: pytest.Pytester, compare: Compare) -> None:
    kept = pytester.path / "snapshots"
    kept.mkdir()
    for number in range(5):
        (kept / f"test_one-case{number}.txt").write_text(f"a={number % 4}\nb=text")
    told = compare(junit.OPTION, "-v", read=junit.cases)
    assert told["forked"].totals == {"passed": 4, "failed": 8}
    assert "snapshot of case4 differs: a=4" in told["forked"].text


def test_workers_write_every_snapshot(compare: Compare) -> None:
    told = compare("--accept", read=snapshots)
    assert len(told["forked"].read) == 12


@pytest.mark.parametrize("mode", WORKERS)
def test_single_cases_can_be_named(runner: Runner, mode: str) -> None:
    told = runner.run(mode, "--accept", "test_one.yaml::case3", "test_two.yaml")
    assert told.totals == {"passed": 7}
