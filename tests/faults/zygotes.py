"""The process that forks workers dies, at every moment of its life."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .fault import DIE, ZYGOTE, Fault

#: Dies at its n-th fork: the first makes its spare, the others make workers.
_AT_A_FORK = """
forks = []
def is_zygote(): return os.getppid() == CONTROLLER
def die_at(moment):
    if not is_zygote() or len(forks) != {fork} or moment != "{moment}":
        return
    try:
        (HERE / "died").touch(exist_ok=False)
    except FileExistsError:
        return
    {deed}
def before():
    if is_zygote(): forks.append(1)
    die_at("before")
os.register_at_fork(before=before, after_in_parent=lambda: die_at("after"))
"""

_SUITE = """
    @pytest.mark.parametrize("number", range(8))
    def test_short(number): time.sleep(0.05)
"""
_NAMES = [f"test_short[{number}]" for number in range(8)]


def _at_a_fork(fork: int, moment: str, name: str, deed: str = DIE, **more: Any) -> Fault:
    row: dict[str, Any] = {
        "expected": dict.fromkeys(_NAMES, "passed"),
        "exit": 0,
        "workers": (1, 2, 8),
        "fork_only": ZYGOTE,
        **more,
    }
    conftest = _AT_A_FORK.format(fork=fork, moment=moment, deed=deed)
    return Fault(name=name, suite=_SUITE, conftest=conftest, **row)


_FORKS = (
    _at_a_fork(
        1,
        "before",
        "zygote_dies_before_it_has_a_spare",
        expected=dict.fromkeys(_NAMES, "not_run"),
        others="not_run",
        exit=1,
        texts=("not run: workers could not be started: the process that forks workers died",),
    ),
    _at_a_fork(1, "after", "zygote_dies_as_soon_as_it_has_a_spare"),
    _at_a_fork(2, "before", "zygote_dies_before_the_first_worker"),
    _at_a_fork(2, "after", "zygote_dies_before_it_tells_of_the_first_worker"),
    _at_a_fork(3, "before", "zygote_dies_before_the_second_worker", workers=(2, 8)),
    _at_a_fork(3, "after", "zygote_dies_before_it_tells_of_the_second_worker", workers=(2, 8)),
)


def _with_a_worker() -> Iterator[Fault]:
    """Both are killed, in either order; a process of the worker's own kills itself last."""
    zygote = "os.kill(os.getppid(), signal.SIGKILL)"
    helper = "subprocess.Popen(['sh', '-c', f'kill -9 {os.getpid()} {os.getppid()}'])"
    for name, deed in (
        ("zygote_dies_before_its_worker", f"{zygote}; {DIE}"),
        ("zygote_dies_after_its_worker", f"{helper}; time.sleep(60)"),
    ):
        yield Fault(
            name=name,
            suite=f"    def test_dies(): {deed}" + _SUITE,
            expected={"test_dies": "crashed", **dict.fromkeys(_NAMES, "passed")},
            texts=(r"worker gw\d died \(SIGKILL\) during call",),
            workers=(1, 2, 8),
            fork_only=ZYGOTE,
        )


ZYGOTES: tuple[Fault, ...] = (*_FORKS, *_with_a_worker())
