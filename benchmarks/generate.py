"""Generate a suite of 50 tests a file, the same one for the same numbers on any machine.

    python benchmarks/generate.py empty --tests 10000 OUT
    python benchmarks/generate.py sleep --tests 1001 --seed 276 OUT
    python benchmarks/generate.py fixtures --tests 400 --seed 1 OUT
    python benchmarks/generate.py deaths --tests 250 OUT
    python benchmarks/generate.py leaks --tests 250 OUT

`OUT/suite.json` says what the suite holds: tests, files, seconds in total and of the longest.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

TESTS_A_FILE = 50
SLEEP_MU, SLEEP_SIGMA, SLEEP_CAP = -3.6, 1.2, 3.0
LAST_SLEEP = 6.0
SET_UP_MU, SET_UP_SIGMA, SET_UP_CAP = -2.0, 1.0, 2.0
SHORT_SLEEP = 0.005
DEADLY_SLEEP = 0.01
LEAK, LEAK_SLEEP = 4 << 20, 0.02
MANIFEST = "suite.json"


@dataclass(frozen=True)
class Module:
    """One test file: its text, and the seconds of sleep of each of its groups.

    A group here is one test, or, with fixtures, the whole file: what cannot be split for free.
    """

    text: str
    tests: int
    seconds: tuple[float, ...] = ()


@dataclass(frozen=True)
class Suite:
    """What a generated folder holds; `total` and `longest` are seconds of deliberate sleep."""

    kind: str
    seed: int
    tests: int
    files: int
    total: float
    longest: float

    def bound(self, workers: int) -> float:
        """Give the shortest possible run in seconds: all work shared out, or the longest group."""
        return max(self.total / workers, self.longest)


def empty(tests: int, _random: Random) -> list[Module]:
    """Tests that do nothing."""
    return [_empty_module(size) for size in _sizes(tests)]


def sleep(tests: int, random: Random) -> list[Module]:
    """Tests that sleep log-normal times; the last test of the last file sleeps for 6 s."""
    naps = [_log_normal(random, SLEEP_MU, SLEEP_SIGMA, SLEEP_CAP) for _ in range(tests - 1)]
    parts = [naps[start : start + TESTS_A_FILE] for start in range(0, len(naps), TESTS_A_FILE)]
    (parts or [[]])[-1].append(LAST_SLEEP)
    return [_sleeping_module(part) for part in parts or [[LAST_SLEEP]]]


def fixtures(tests: int, random: Random) -> list[Module]:
    """Modules with one module-scoped set-up each, of mixed cost, that every other test needs."""
    return [
        _fixture_module(size, _log_normal(random, SET_UP_MU, SET_UP_SIGMA, SET_UP_CAP))
        for size in _sizes(tests)
    ]


def deaths(tests: int, _random: Random) -> list[Module]:
    """Short sleeping tests; the middle one of each file kills the process that runs it."""
    return [_deadly_module(size) for size in _sizes(tests)]


def leaks(tests: int, _random: Random) -> list[Module]:
    """Short sleeping tests, each of which keeps some megabytes for ever."""
    return [_leaking_module(size) for size in _sizes(tests)]


KINDS: dict[str, Callable[[int, Random], list[Module]]] = {
    "empty": empty,
    "sleep": sleep,
    "fixtures": fixtures,
    "deaths": deaths,
    "leaks": leaks,
}


def generate(kind: str, tests: int, seed: int, out: Path) -> Suite:
    """Write a suite to `out`, in place of an earlier one of ours; return what it holds.

    Raises `FileExistsError` when `out` holds something else.
    """
    modules = KINDS[kind](tests, Random(seed))
    _make_room(out)
    digits = len(str(len(modules) - 1))
    for number, module in enumerate(modules):
        (out / f"test_{number:0{digits}}.py").write_text(module.text)
    (out / "pytest.ini").write_text("[pytest]\n")
    seconds = [nap for module in modules for nap in module.seconds] or [0.0]
    count = sum(module.tests for module in modules)
    suite = Suite(kind, seed, count, len(modules), round(sum(seconds), 4), max(seconds))
    (out / MANIFEST).write_text(json.dumps(asdict(suite), indent=1) + "\n")
    return suite


def load_suite(out: Path) -> Suite:
    """Read what a generated folder holds. Raises `OSError` when it was not generated."""
    return Suite(**json.loads((out / MANIFEST).read_text()))


def _make_room(out: Path) -> None:
    if (out / MANIFEST).exists():
        shutil.rmtree(out)
    elif out.exists() and any(out.iterdir()):
        raise FileExistsError(
            f"{out} is not empty and holds no generated suite: name another folder"
        )
    out.mkdir(parents=True, exist_ok=True)


def _sizes(tests: int) -> list[int]:
    full, rest = divmod(tests, TESTS_A_FILE)
    return [TESTS_A_FILE] * full + [rest] * bool(rest)


def _log_normal(random: Random, mu: float, sigma: float, cap: float) -> float:
    return round(min(cap, random.lognormvariate(mu, sigma)), 4)


def _empty_module(size: int) -> Module:
    return Module("\n\n".join(f"def test_{n}():\n    pass\n" for n in range(size)), size)


def _sleeping_module(naps: Sequence[float]) -> Module:
    tests = (f"\n\ndef test_{n}():\n    sleep({nap})\n" for n, nap in enumerate(naps))
    return Module("from time import sleep\n" + "".join(tests), len(naps), tuple(naps))


def _fixture_module(size: int, set_up: float) -> Module:
    head = (
        "from time import sleep\n\nimport pytest\n\n\n"
        '@pytest.fixture(scope="module")\ndef costly():\n'
        f"    sleep({set_up})\n    return {set_up}\n"
    )
    tests = "".join(_fixture_test(n, set_up) for n in range(size))
    return Module(head + tests, size, (set_up + size * SHORT_SLEEP,))


def _fixture_test(number: int, set_up: float) -> str:
    if number % 2:
        return f"\n\ndef test_{number}():\n    sleep({SHORT_SLEEP})\n"
    return (
        f"\n\ndef test_{number}(costly):\n    sleep({SHORT_SLEEP})\n    assert costly == {set_up}\n"
    )


def _deadly_module(size: int) -> Module:
    bodies = [f"sleep({DEADLY_SLEEP})"] * size
    bodies[size // 2] = "os.kill(os.getpid(), signal.SIGKILL)"
    tests = (f"\n\ndef test_{n}():\n    {body}\n" for n, body in enumerate(bodies))
    head = "import os\nimport signal\nfrom time import sleep\n"
    return Module(head + "".join(tests), size, (DEADLY_SLEEP,) * (size - 1))


def _leaking_module(size: int) -> Module:
    body = f'    held.append(b"x" * {LEAK})\n    sleep({LEAK_SLEEP})\n'
    tests = (f"\n\ndef test_{n}():\n{body}" for n in range(size))
    return Module(
        "from time import sleep\n\nheld = []\n" + "".join(tests), size, (LEAK_SLEEP,) * size
    )


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("kind", choices=KINDS, help="what the tests do")
    parser.add_argument(
        "--tests", type=int, required=True, metavar="N", help="how many tests, at least 1"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the random times (default 1)")
    parser.add_argument(
        "out", type=Path, metavar="OUT", help="folder; an earlier suite there is replaced"
    )
    options = parser.parse_args(argv)
    if options.tests < 1:
        parser.error("--tests must be at least 1")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Generate what the command line asks for; return the exit code."""
    options = _arguments(argv)
    try:
        suite = generate(options.kind, options.tests, options.seed, options.out)
    except FileExistsError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{suite.tests} tests in {suite.files} files")
    print(f"{suite.total:g} s of sleep in total, {suite.longest:g} s in the longest group")
    return 0


if __name__ == "__main__":
    sys.exit(main())
