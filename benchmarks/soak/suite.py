"""The suite that is soaked: of everything that a schedule must respect, something.

The second word of a test's name says what it does, and so what its verdict must be.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

TESTS_A_FILE = 50
FILES_A_PACKAGE = 20
GROUPS = 7

_VERDICTS = {
    "fails": "failed",
    "talks": "failed",
    "errors": "error",
    "skips": "skipped",
    "xfails": "xfailed",
}

_ROOT_CONFTEST = """\
from time import sleep

import pytest


@pytest.fixture(scope="session")
def whole():
    sleep(0.01)
    yield []
    sleep(0.01)


@pytest.fixture
def broken():
    raise RuntimeError("no luck")
"""

_PACKAGE_CONFTEST = """\
from time import sleep

import pytest


@pytest.fixture(scope="package")
def wide(whole):
    sleep(0.02)
    yield [*whole, "package"]
    sleep(0.01)
"""

_HEAD = """\
from time import sleep

import pytest


@pytest.fixture(scope="module")
def shared(wide):
    sleep({seconds})
    yield [*wide, "module"]
    sleep(0.002)


@pytest.fixture
def own():
    thing = []
    yield thing
    assert thing == [1]


class TestTogether:
    @pytest.fixture(scope="class")
    def close(self, shared):
        sleep(0.005)
        yield [*shared, "class"]

    @pytest.mark.parametrize("number", range(4))
    def test_class(self, close, number):
        assert close == ["package", "module", "class"]
"""

_IN_CLASS = 4


def expected_verdict(nodeid: str) -> str:
    """What a test of this suite ends with if nobody disturbs it."""
    return _VERDICTS.get(kind(nodeid), "passed")


def kind(nodeid: str) -> str:
    """What a test does, in a word."""
    return nodeid.rpartition("::")[2].split("_")[1].partition("[")[0]


def write(folder: Path, tests: int, seed: int) -> int:
    """Write at least so many tests in place of what was there; how many there are."""
    random = Random(seed)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "conftest.py").write_text(_ROOT_CONFTEST)
    files = -(-tests // TESTS_A_FILE)
    for number in range(files):
        package = folder / f"pack_{number // FILES_A_PACKAGE:02}"
        if not package.exists():
            package.mkdir()
            (package / "__init__.py").touch()
            (package / "conftest.py").write_text(_PACKAGE_CONFTEST)
        (package / f"test_{number:03}.py").write_text(_module(random))
    return files * TESTS_A_FILE


def _module(random: Random) -> str:
    head = _HEAD.format(seconds=round(random.uniform(0.001, 0.03), 4))
    makers, weights = zip(*_MAKERS, strict=True)
    chosen = random.choices(makers, weights, k=TESTS_A_FILE - _IN_CLASS)
    return head + "".join(f"\n\n{make(number, random)}" for number, make in enumerate(chosen))


def _plain(number: int, _: Random) -> str:
    return f"def test_passes_{number}():\n    assert True\n"


def _nap(number: int, random: Random) -> str:
    seconds = round(min(0.2, random.lognormvariate(-6, 1.2)), 4)
    return f"def test_sleeps_{number}():\n    sleep({seconds})\n"


def _share(number: int, _: Random) -> str:
    return f'def test_shares_{number}(shared):\n    assert shared == ["package", "module"]\n'


def _owns(number: int, _: Random) -> str:
    return f"def test_owns_{number}(own, tmp_path):\n    own.append(1)\n    tmp_path.exists()\n"


def _fail(number: int, _: Random) -> str:
    return f"def test_fails_{number}():\n    assert {number} == -1\n"


def _talk(number: int, random: Random) -> str:
    size = random.choice((20_000, 500_000, 3_000_000))
    return f'def test_talks_{number}():\n    print("x" * {size})\n    assert False\n'


def _error(number: int, _: Random) -> str:
    return f"def test_errors_{number}(broken):\n    pass\n"


def _skip(number: int, _: Random) -> str:
    return f'def test_skips_{number}():\n    pytest.skip("not today")\n'


def _xfail(number: int, _: Random) -> str:
    return f"@pytest.mark.xfail\ndef test_xfails_{number}():\n    assert False\n"


def _serial(number: int, _: Random) -> str:
    return f"@pytest.mark.concurrent_serial\ndef test_serial_{number}():\n    sleep(0.001)\n"


def _door(number: int, _: Random) -> str:
    mark = '@pytest.mark.concurrent_resource("door")'
    return f"{mark}\ndef test_door_{number}():\n    sleep(0.001)\n"


def _gate(number: int, _: Random) -> str:
    mark = '@pytest.mark.concurrent_resource("gate", slots=2)'
    return f"{mark}\ndef test_gate_{number}():\n    sleep(0.001)\n"


def _group(number: int, random: Random) -> str:
    group = random.randrange(GROUPS)
    mark = f'@pytest.mark.concurrent_group("group{group}")'
    return f"{mark}\ndef test_group{group}_{number}():\n    pass\n"


_MAKERS: tuple[tuple[Callable[[int, Random], str], float], ...] = (
    (_plain, 50),
    (_nap, 15),
    (_share, 15),
    (_owns, 8),
    (_fail, 1.5),
    (_talk, 0.2),
    (_error, 0.5),
    (_skip, 1),
    (_xfail, 1),
    (_serial, 0.3),
    (_door, 1),
    (_gate, 1),
    (_group, 2),
)
