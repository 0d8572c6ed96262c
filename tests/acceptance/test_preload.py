"""Modules that are imported before the fork are every worker's, and cost no test what it says."""

from __future__ import annotations

from typing import Protocol

import pytest

from .parity import on_workers

SUITE = {
    "conftest": """
import os

CONTROLLER = os.getpid()
""",
    "test_it": """
import os

import pytest

from conftest import CONTROLLER


@pytest.mark.parametrize("number", range(6))
def test_shared(number):
    import heavy

    assert heavy.PROCESS == CONTROLLER != os.getpid()
""",
}
HEAVY = "import os\n\nPROCESS = os.getpid()\n"
THREAD = """\
import threading, time
threading.Thread(target=time.sleep, args=(60,), name='idler', daemon=True).start()
"""
READING = """\
import os
WORKER = os.environ.get("PYTEST_XDIST_WORKER")
"""
GRAPHICS = """\
import sys
from types import SimpleNamespace
sys.modules["torch"] = SimpleNamespace(cuda=SimpleNamespace(is_initialized=lambda: True))
"""


class Run(Protocol):
    """Runs the suite with a module `heavy`; on two workers, unless there are other arguments."""

    def __call__(self, heavy: str, *args: str) -> pytest.RunResult: ...


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Run the suite on two workers, with `heavy` before the fork."""
    pytester.makepyfile(**SUITE)
    pytester.makeini("[pytest]\nconcurrent_preload =\n    json.decoder\n    heavy\n")

    def start(heavy: str, *args: str) -> pytest.RunResult:
        pytester.makepyfile(heavy=heavy)
        return pytester.runpytest_subprocess(*(args or on_workers(2)))

    return start


def test_workers_share_a_preloaded_module(run: Run, pytester: pytest.Pytester) -> None:
    run(HEAVY).assert_outcomes(passed=6)
    # Without it each worker imports for itself.
    run(HEAVY, *on_workers(2), "-o", "concurrent_preload=").assert_outcomes(failed=6)


def test_warning_of_an_import_is_told_once(run: Run) -> None:
    result = run(f"import warnings\nwarnings.warn('heavy is old', DeprecationWarning)\n{HEAVY}")
    result.assert_outcomes(passed=6, warnings=1)
    result.stdout.fnmatch_lines(["*heavy.py:2: DeprecationWarning: heavy is old"])


def test_filters_of_warnings_count(run: Run) -> None:
    heavy = f"import warnings\nwarnings.warn('heavy is old')\n{HEAVY}"
    run(heavy, *on_workers(2), "-W", "ignore:heavy").assert_outcomes(passed=6, warnings=0)
    refused = run(heavy, *on_workers(2), "-W", "error:heavy")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*'heavy'*concurrent_preload*UserWarning: heavy is old*"])


@pytest.mark.parametrize(
    ("heavy", "said"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit", "SystemExit"),
        ("import pytest\npytest.skip('not here', allow_module_level=True)", "Skipped: not here"),
    ],
)
@pytest.mark.parametrize("doctor", [False, True])
def test_failing_import_names_the_key(run: Run, heavy: str, said: str, doctor: bool) -> None:
    args = ("--concurrent-doctor",) if doctor else on_workers(2)
    result = run(heavy, *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    wanted = f"*'heavy' is not accepted for concurrent_preload (*.ini): {said}; expected *"
    result.stderr.fnmatch_lines([wanted])


def test_print_of_an_import_is_captured(run: Run) -> None:
    result = run(f"print('spoken')\n{HEAVY}")
    result.assert_outcomes(passed=6)
    result.stdout.no_fnmatch_line("*spoken*")


@pytest.mark.parametrize(
    ("heavy", "reason"),
    [
        (THREAD, "threads are alive: idler"),
        (READING, "*heavy.py:2 reads PYTEST_XDIST_WORKER*"),
        (GRAPHICS, "torch.cuda is initialised*"),
    ],
    ids=["thread", "reading", "graphics"],
)
def test_what_a_preloaded_module_leaves_leads_to_spawn(run: Run, heavy: str, reason: str) -> None:
    result = run(heavy + HEAVY)
    # Spawned workers import it for themselves, as they do everything.
    result.assert_outcomes(failed=6)
    result.stdout.fnmatch_lines([f"concurrent: 2 workers*spawn ({reason})*"])
    told = run(heavy + HEAVY, "--concurrent-doctor").stdout
    told.fnmatch_lines(["*would run on * spawned"])


def test_preloaded_module_that_asks_for_its_worker_gets_an_answer_in_each(
    run: Run, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(
        test_it="""
            import os

            def test_asked():
                import heavy
                assert heavy.WORKER == os.environ["PYTEST_XDIST_WORKER"]
        """
    )
    run(READING).assert_outcomes(passed=1)


def test_seed_of_a_preloaded_module_is_every_workers(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="import random\n"
        "def test_seeded(): assert random.random() == random.Random(7).random()"
    )
    seeding = "import random\nrandom.seed(7)\n"
    run(seeding, *on_workers(1), "-p", "no:randomly").assert_outcomes(passed=1)


@pytest.mark.parametrize("args", [("-p", "no:cacheprovider"), ("--concurrent", "--workers=0")])
def test_without_workers_nothing_is_imported_ahead(
    run: Run, pytester: pytest.Pytester, args: tuple[str, ...]
) -> None:
    pytester.makepyfile(test_it="def test_nothing(): pass")
    run("raise RuntimeError", *args).assert_outcomes(passed=1)
