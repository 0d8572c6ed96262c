"""The benchmark programs: what they generate, compare, measure and keep."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import compare_junit  # noqa: E402
import generate  # noqa: E402
import identical  # noqa: E402
import rows  # noqa: E402
from measuring import events, memory, result, table  # noqa: E402
from measuring.process import Cost  # noqa: E402
from measuring.rounds import Round  # noqa: E402

sys.path.remove(str(BENCHMARKS))


# compare_junit.py


def junit(folder: Path, name: str, *cases: str) -> Path:
    path = folder / f"{name}.xml"
    path.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    return path


def passed(name: str) -> str:
    return f'<testcase classname="shop" name="{name}" time="0.1" />'


def failed(name: str, message: str) -> str:
    inner = f'<failure message="{message}">Traceback</failure>'
    return f'<testcase classname="shop" name="{name}" time="0.2">{inner}</testcase>'


def compared(*arguments: object) -> int:
    return compare_junit.main([str(argument) for argument in arguments])


def test_equal_outcomes_in_other_order_are_alike(tmp_path: Path) -> None:
    first = junit(tmp_path, "first", passed("buys"), failed("pays", "no money"))
    second = junit(tmp_path, "second", failed("pays", "no money"), passed("buys"))
    assert compared(first, second) == 0
    assert compared(first, second, "--order") == 1


def test_missing_test_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = junit(tmp_path, "first", passed("buys"), passed("pays"))
    second = junit(tmp_path, "second", passed("buys"))
    assert compared(first, second) == 1
    assert "shop::pays\n  only in the first:  passed" in capsys.readouterr().out


def test_repeated_outcome_counts_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = junit(tmp_path, "first", *[passed("buys")] * 3)
    second = junit(tmp_path, "second", passed("buys"))
    assert compared(first, second) == 1
    assert "only in the first:  2 times passed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("at 0x7f1f2c", "at 0x55aa01"),
        ("took 0.31s", "took 1.4s"),
        ("from 127.0.0.1:40316", "from 127.0.0.1:59812"),
        ("/tmp/pytest-of-ada/pytest-3/x", "/tmp/pytest-of-ada/pytest-4/popen-gw1/x"),
        ("run 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "run 6fa459ea-ee8a-3ca4-894e-db77e160355e"),
    ],
)
def test_changing_details_differ_unless_normalised(tmp_path: Path, left: str, right: str) -> None:
    first = junit(tmp_path, "first", failed("pays", left))
    second = junit(tmp_path, "second", failed("pays", right))
    assert compared(first, second) == 1
    assert compared(first, second, "--normalise") == 0
    assert compared(first, second, "--no-messages") == 0


def test_normalising_keeps_real_differences(tmp_path: Path) -> None:
    first = junit(tmp_path, "first", failed("pays", "assert 3 == 4"))
    second = junit(tmp_path, "second", failed("pays", "assert 3 == 5"))
    assert compared(first, second, "--normalise") == 1


def test_ignored_tests_never_differ(tmp_path: Path) -> None:
    first = junit(tmp_path, "first", passed("buys"), failed("flaky", "a"))
    second = junit(tmp_path, "second", passed("buys"), passed("flaky"))
    assert compared(first, second) == 1
    assert compared(first, second, "--ignore", "shop::fl*") == 0


def test_unreadable_junit_file_gives_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = junit(tmp_path, "good", passed("buys"))
    broken = tmp_path / "broken.xml"
    broken.write_text("<testsuites>")
    assert compared(good, broken) == 2
    assert "cannot be read" in capsys.readouterr().err


# identical.py


def outcomes(*tests: str) -> list[compare_junit.Outcome]:
    return [compare_junit.Outcome(test, ()) for test in tests]


def test_identical_runs_keep_the_order_too() -> None:
    assert identical.compare(outcomes("a", "b"), outcomes("a", "b")) == []
    assert "outcome 1 is of a" in identical.compare(outcomes("a", "b"), outcomes("b", "a"))[0]


def test_lost_test_makes_runs_differ() -> None:
    assert identical.compare(outcomes("a", "b"), outcomes("a")) == [
        "b\n  only in the first:  passed"
    ]


# generate.py


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("kind", generate.KINDS)
def test_same_seed_gives_same_suite(tmp_path: Path, kind: str) -> None:
    generate.generate(kind, 120, 7, tmp_path / "one")
    generate.generate(kind, 120, 7, tmp_path / "two")
    assert texts(tmp_path / "one") == texts(tmp_path / "two")
    assert len(texts(tmp_path / "one")) == 3 + len({"pytest.ini", "suite.json"})


def test_sleeping_suite_of_rows_takes_61_seconds(tmp_path: Path) -> None:
    suite = generate.generate("sleep", 1_001, rows.SLEEP_SEED, tmp_path)
    written = "".join(path.read_text() for path in sorted(tmp_path.glob("test_*.py")))
    naps = [float(nap) for nap in re.findall(r"sleep\(([\d.]+)\)", written)]
    assert (suite.tests, suite.files, len(naps)) == (1_001, 20, 1_001)
    assert sum(naps) == pytest.approx(suite.total) == pytest.approx(61, abs=0.1)
    assert naps[-1] == suite.longest == 6.0
    assert max(naps[:-1]) <= generate.SLEEP_CAP


def test_bound_is_longest_group_at_least() -> None:
    suite = generate.Suite("sleep", 1, 1_001, 20, total=61.0, longest=6.0)
    assert suite.bound(4) == 15.25
    assert suite.bound(12) == 6.0


@pytest.mark.parametrize("kind", ["empty", "fixtures"])
def test_generated_tests_pass(tmp_path: Path, kind: str) -> None:
    generate.generate(kind, 53, 1, tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "53 passed" in finished.stdout


def test_deadly_suite_kills_once_a_file(tmp_path: Path) -> None:
    generate.generate("deaths", 100, 1, tmp_path)
    killers = [path.read_text().count("os.kill(") for path in tmp_path.glob("test_*.py")]
    assert killers == [1, 1]


def test_foreign_folder_is_never_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    assert generate.main(["empty", "--tests", "5", str(tmp_path)]) == 2
    assert texts(tmp_path) == {"thesis.txt": "mine"}
    assert "name another folder" in capsys.readouterr().err


# measuring/events.py


def events_file(folder: Path, *lines: tuple[float, str, str | None]) -> list[events.Event]:
    path = folder / "events.jsonl"
    written = ({"time": time, "event": event, "worker": worker} for time, event, worker in lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in written))
    return events.read(path)


def test_span_ends_with_last_started_test(tmp_path: Path) -> None:
    seen = events_file(
        tmp_path,
        (0.0, "run_started", None),
        (0.5, "test_started", "gw0"),
        (0.6, "test_started", "gw1"),
        (2.0, "test_finished", "gw1"),
        (3.0, "test_finished", "gw0"),
        (9.0, "test_finished", None),
    )
    assert events.span(seen) == 2.5


def test_span_of_no_test_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no test_started"):
        events.span(events_file(tmp_path, (0.0, "run_started", None)))


def test_replacement_lasts_until_slot_is_ready(tmp_path: Path) -> None:
    seen = events_file(
        tmp_path,
        (1.0, "worker_died", "gw0"),
        (1.01, "worker_ready", "gw1"),
        (1.02, "worker_started", "gw0"),
        (1.03, "worker_ready", "gw0"),
        (2.0, "worker_died", "gw1"),
    )
    assert events.replacements(seen) == [pytest.approx(0.03)]


# measuring/memory.py


@pytest.fixture
def grandchild() -> Iterator[int]:
    nested = "import subprocess, sys; subprocess.run(['sleep', '60'])"
    child = subprocess.Popen([sys.executable, "-c", nested], start_new_session=True)
    try:
        while len(memory.descendants(child.pid)) < 1:
            assert child.poll() is None
        yield child.pid
    finally:
        os.killpg(child.pid, 9)
        child.wait()


def test_memory_of_a_tree_counts_grandchildren(grandchild: int) -> None:
    below = memory.descendants(grandchild)
    assert set(below) < set(memory.descendants(os.getpid()))
    assert memory.tree_pss(os.getpid()) >= memory.pss(grandchild) > 0


def test_vanished_process_holds_no_memory() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert memory.pss(gone.pid) == 0


# measuring/result.py and table.py


def kept_result(ours: float, limit: float) -> result.Result:
    rounds = [Round(1.5, {"peer": Cost(2.0, 1, 0, 1), "ours": Cost(ours, 1, 0, 1)})] * 3
    criterion = result.Criterion("wall", lambda c: c["ours"].wall / c["peer"].wall, limit)
    setting = {"machine": {"processor": "P", "processors": 2, "system": "L", "kernel": "6"}}
    setting["versions"] = {}
    return result.Result("row", "A row", 3, setting, rounds, [criterion.judge(rounds)])


@pytest.mark.parametrize(("ours", "verdict"), [(0.8, "held"), (0.9, "**missed**")])
def test_median_is_judged_by_its_limit(tmp_path: Path, ours: float, verdict: str) -> None:
    kept_result(ours, 0.42).save(tmp_path / "row.json")
    table.write_index(tmp_path)
    index = (tmp_path / "README.md").read_text()
    assert f"≤ 0.42 | {verdict} |" in index
    assert "ceiling 1.5" in index


def test_spread_is_short_and_without_exponent() -> None:
    assert str(result.Spread.of([1540.4, 0.12345, 61.03])) == "61 (0.123 to 1,540)"


def test_kept_result_reads_back_equal(tmp_path: Path) -> None:
    kept_result(1.0, 0.5).save(tmp_path / "row.json")
    assert result.load(tmp_path / "row.json") == kept_result(1.0, 0.5)


def test_result_of_other_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "row.json"
    path.write_text('{"schema": 99}')
    with pytest.raises(ValueError, match="not a result of schema 1"):
        result.load(path)


# pairs.py, and with it measuring/process.py, rounds.py and sitting.py


class Pairs:
    """Calls the program in a process of its own, as people do, and reads its result."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "results" / "demo.json"

    def __call__(
        self, *programs: str, rounds: int = 1, options: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        for number, text in enumerate(programs):
            (self.folder / f"program_{number}.py").write_text(text)
        places = (self.folder / f"program_{number}.py" for number in range(len(programs)))
        commands = [f"c{n}={sys.executable} {place}" for n, place in enumerate(places)]
        words = ["--home", str(self.folder), "--results", str(self.path.parent)]
        words += ["--rounds", str(rounds), "--warm-ups", "0", *options]
        argv = [sys.executable, str(BENCHMARKS / "pairs.py"), "demo", *commands, *words]
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    def costs(self, label: str) -> Cost:
        return result.load(self.path).rounds[-1].costs[label]


@pytest.fixture
def pairs(tmp_path: Path) -> Pairs:
    return Pairs(tmp_path)


SPIN = "import time\nwhile time.process_time() < 0.3: pass\n"
SPINNING_CHILD = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {SPIN!r}])\n"


def test_cpu_of_children_is_told_apart(pairs: Pairs) -> None:
    assert pairs(SPINNING_CHILD).returncode == 0
    cost = pairs.costs("c0")
    assert cost.cpu >= 0.3
    assert cost.controller <= cost.cpu - 0.25
    assert cost.wall >= 0.3


def test_left_behind_process_is_counted_and_ended(pairs: Pairs) -> None:
    orphan = "import subprocess\nprint(subprocess.Popen(['sleep', '60']).pid)\n"
    finished = pairs(orphan)
    assert pairs.costs("c0").left_behind == 1
    assert "c0 left processes behind" in finished.stdout
    left = int((pairs.folder / "logs" / "demo" / "c0.log").read_text())
    assert not Path(f"/proc/{left}").exists()


def test_memory_is_sampled_at_its_peak(pairs: Pairs) -> None:
    hungry = "import time\nx = bytearray(60_000_000)\ntime.sleep(0.3)\ndel x\ntime.sleep(0.1)\n"
    pairs(hungry, options=("--memory",))
    assert 60_000_000 <= pairs.costs("c0").peak_pss < 120_000_000


def test_commands_may_write_bytecode(pairs: Pairs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert pairs("import sys\nsys.exit(sys.dont_write_bytecode)\n").returncode == 0


def test_interrupted_rounds_are_continued(pairs: Pairs) -> None:
    pairs("pass", "pass", rounds=1)
    again = pairs("pass", "pass", rounds=2)
    assert "round 1 of" not in again.stderr
    assert "round 2 of 2" in again.stderr
    assert len(result.load(pairs.path).rounds) == 2


def test_other_commands_start_anew(pairs: Pairs) -> None:
    pairs("pass", "pass")
    again = pairs("pass")
    assert "another setting: starting anew" in again.stderr
    assert result.load(pairs.path).labels() == ["c0"]


def test_spent_minutes_give_three(pairs: Pairs) -> None:
    finished = pairs("pass", options=("--minutes", "0"))
    assert finished.returncode == 3
    assert "0 of 1 rounds; run the same again to go on" in finished.stdout


def test_failing_command_shows_its_log(pairs: Pairs) -> None:
    finished = pairs("print('out of paper')\nraise SystemExit(5)\n")
    assert finished.returncode == 2
    assert "gave exit code 5, not 0" in finished.stderr
    assert "out of paper" in finished.stderr
    assert not pairs.path.exists()


def test_hung_command_is_killed_with_its_children(pairs: Pairs) -> None:
    hung = "import os\nimport subprocess\nprint(os.getpid(), flush=True)\n"
    finished = pairs(f"{hung}subprocess.run(['sleep', '60'])\n", options=("--limit", "1"))
    assert finished.returncode == 2
    assert "did not end within 1 s" in finished.stderr
    killed = int((pairs.folder / "logs" / "demo" / "c0.log").read_text())
    with pytest.raises(ProcessLookupError):
        os.killpg(killed, 0)


def test_home_folder_stays_out_of_results(pairs: Pairs) -> None:
    pairs("pass")
    assert str(pairs.folder) not in pairs.path.read_text()
    assert "HOME/program_0.py" in pairs.path.read_text()


# rows.py


@pytest.mark.parametrize("row", rows.ROWS)
def test_row_judges_commands_that_it_runs(tmp_path: Path, row: str) -> None:
    comparison = rows.ROWS[row](rows.Bench(tmp_path))
    observed = {"span": 10.0, "median": 0.02, "slowest": 0.03, "seen": 5.0}
    cost = Cost(10.0, 8.0, 2.0, 1.0, 1_000, 0, observed)
    taken = Round(1.5, {command.label: cost for command in comparison.commands})
    assert len(taken.costs) == len(comparison.commands)
    assert all(criterion.judge([taken]).spread.median > 0 for criterion in comparison.criteria)


@pytest.mark.parametrize("row", rows.ROWS)
def test_row_switches_ours_off_for_peers(tmp_path: Path, row: str) -> None:
    for command in rows.ROWS[row](rows.Bench(tmp_path)).commands:
        assert ("--concurrent" in command.argv) != ("no:pytest_concurrent" in command.argv)


def test_rows_without_virtualenv_name_setup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rows.main(["empty", "--home", str(tmp_path)]) == 2
    assert "run benchmarks/setup.py" in capsys.readouterr().err
