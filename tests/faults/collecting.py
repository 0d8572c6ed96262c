"""Something goes wrong before there is a run, or before a spawned worker is part of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .fault import DIE, Fault
from .ways import DYING

#: What the shell is told of each; the same as without workers.
_EXITS = {"sigsegv": -11, "sigbus": -7, "sigabrt": -6, "sigterm": -15, "sigkill": -9, "exit_3": 3}


def _deaths_in_collection() -> Iterator[Fault]:
    for way, exit_status in _EXITS.items():
        yield Fault(
            name=f"collection_dies_by_{way}",
            suite=f'{DYING}\nif not SPAWNED and not (HERE / "died").exists():\n'
            f'    (HERE / "died").touch()\n    die("{way}")\ndef test_one(): pass\n',
            expected={},
            exit=exit_status,
            is_reported=False,
            workers=(2,),
        )


#: Each spawned worker collects by itself; the others do not notice what happens to one.
_ONE_WORKER = """
    def is_chosen():
        try:
            (HERE / "chosen").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True
    if SPAWNED and is_chosen():
        {deed}
    def test_one(): pass
"""


def _while_a_worker_collects(name: str, deed: str, *texts: str, **more: Any) -> Fault:
    row: dict[str, Any] = {"expected": {"test_one": "passed"}, "texts": texts, **more}
    return Fault(name=name, suite=_ONE_WORKER.format(deed=deed), workers=(), **row)


_WORKERS = (
    *(
        _while_a_worker_collects(
            f"worker_dies_by_{way}_while_it_collects",
            deed,
            rf"worker gw\d died \({words}\) before its first test",
            errors=1,
        )
        for way, deed, words in (
            ("sigkill", DIE, "SIGKILL"),
            ("sigsegv", "os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
            ("exit_0", "os._exit(0)", "exit status 0"),
        )
    ),
    _while_a_worker_collects(
        "worker_hangs_while_it_collects",
        "time.sleep(600)",
        r"worker gw\d hung: it passed the worker's limit of 8 s .* before its first test",
        options=("--worker-timeout=8",),
        errors=1,
        spawned=(1,),
    ),
    # The others have what it lacks.
    _while_a_worker_collects(
        "worker_cannot_import_a_module",
        "raise RuntimeError('not here')",
        r"not every worker collected .*test_one",
        exit=0,
    ),
    _while_a_worker_collects(
        "worker_exits_while_it_collects",
        "sys.exit(4)",
        r"worker gw\d could not collect the tests",
        expected={},
        exit=3,
        is_reported=False,
        may_trace=True,
    ),
    Fault(
        name="no_worker_can_import_a_module",
        suite="if SPAWNED: raise RuntimeError('not here')\ndef test_one(): pass",
        expected={"test_one": "error"},
        texts=("no worker has this test",),
        workers=(),
    ),
    Fault(
        name="every_worker_dies_while_it_collects",
        suite=f"if SPAWNED: {DIE}\ndef test_one(): pass",
        expected={"test_one": "not_run"},
        others="not_run",
        options=("--concurrent-max-retries=1", "--concurrent-retry-delay=0.1"),
        errors=2,
        texts=("no worker could be had", "--concurrent-max-retries", "before its first test"),
        workers=(),
        spawned=(1,),
    ),
)

COLLECTING: tuple[Fault, ...] = (*_deaths_in_collection(), *_WORKERS)
