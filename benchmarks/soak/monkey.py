"""What falls on a run from outside, at random times."""

from __future__ import annotations

import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from signal import Signals

from soak.family import Family

#: Ways to die, and how often each is chosen.
_DEADLY = {Signals.SIGKILL: 6, Signals.SIGSEGV: 2, Signals.SIGTERM: 1, Signals.SIGABRT: 1}

#: Seconds for which a process is stopped.
_LONGEST_STOP = 3.0


@dataclass(frozen=True)
class Deed:
    """One thing that was done: when (seconds after the start), what, to which process."""

    time: float
    what: str
    pid: int


@dataclass(frozen=True)
class Plan:
    """What is to happen in one run.

    Attributes:
        name: In a word.
        options: Further command line.
        endings: What the run may end as; none if it is not to live.
        pause: Mean seconds between two deeds.
        zygotes: How many processes that fork workers may be killed.
        last: Done once, after some seconds: `interrupt`, `kill`, `freeze` or nothing.
    """

    name: str
    options: tuple[str, ...] = ()
    endings: tuple[str, ...] = ("completed",)
    pause: float = 0.5
    zygotes: int = 1
    last: str = ""


_UNLIMITED = "--concurrent-max-worker-restarts=1000000"

#: Each plan, and how often it is chosen.
PLANS: tuple[tuple[Plan, float], ...] = (
    (Plan("deaths", (_UNLIMITED,)), 10),
    (Plan("storm", (_UNLIMITED,), pause=0.1), 4),
    (
        Plan("no zygote left", endings=("completed", "restarts_spent", "retries_spent"), zygotes=2),
        2,
    ),
    (
        Plan(
            "small budget",
            ("--concurrent-max-worker-restarts=5",),
            endings=("completed", "restarts_spent"),
        ),
        1,
    ),
    (Plan("freeze", (_UNLIMITED, "--test-timeout=20", "--worker-timeout=20"), last="freeze"), 1),
    (Plan("interrupt", (_UNLIMITED,), endings=("completed", "interrupted"), last="interrupt"), 2),
    (Plan("run limit", (_UNLIMITED, "--timeout=6"), endings=("completed", "run_timeout")), 1),
    (Plan("failures", (_UNLIMITED, "--maxfail=40"), endings=("max_failures",)), 1),
    (Plan("controller killed", (_UNLIMITED,), endings=(), last="kill"), 2),
)


#: A worker that collects by itself may be killed before it runs a test, again and again.
_PATIENT = ("--concurrent-max-retries=1000000", "--concurrent-retry-delay=0.1")


def choose_plan(random: Random, start: str = "fork") -> Plan:
    """One of them, for workers that start so."""
    plans = [plan for plan, _ in PLANS]
    plan = random.choices(plans, [weight for _, weight in PLANS])[0]
    if start == "fork":
        return plan
    return replace(plan, options=(*plan.options, *_PATIENT), pause=10 * plan.pause, zygotes=0)


@dataclass
class Monkey:
    """Disturbs one run.

    Attributes:
        plan: What may be done.
        family: To whom.
        controller: The process that was started; it leads a session.
        random: What decides.
        deeds: What was done so far.
        struck: Process ids that got deadly signals, and which.
        frozen: Process ids that were stopped for good.
    """

    plan: Plan
    family: Family
    controller: int
    random: Random
    deeds: list[Deed] = field(default_factory=list)
    struck: defaultdict[int, set[Signals]] = field(default_factory=lambda: defaultdict(set))
    frozen: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._stopped: list[tuple[float, int]] = []
        self._zygotes_killed = 0
        self._last_due = 0.0

    def disturb(self, wait: Callable[[float], bool]) -> None:
        """Do something now and then until `wait`, given seconds, says that the run has ended."""
        while not wait(self._pause()):
            self.family.look()
            self._continue_stopped()
            if not self.family.workers or self.family.is_over:
                continue
            self._last_due = self._last_due or self._now() + self.random.uniform(0.2, 10.0)
            if self.plan.last and self._now() > self._last_due:
                self._do_last()
            self.random.choices(
                (self._kill_worker, self._stop_worker, self._stop_other, self._kill_zygote),
                (8, 5, 1, 0.7),
            )[0]()

    def count(self, word: str) -> int:
        """How often something was done."""
        return sum(deed.what.startswith(word) for deed in self.deeds)

    def _pause(self) -> float:
        pause = self.random.expovariate(1 / self.plan.pause)
        due = min((due for due, _ in self._stopped), default=self._now() + pause)
        return max(0.01, min(pause, due - self._now(), 2.0))

    def _kill_worker(self) -> None:
        signals, weights = zip(*_DEADLY.items(), strict=True)
        number = self.random.choices(signals, weights)[0]
        if (pid := self._some_worker()) is not None:
            # Noted first: the run may tell of the death before this thread goes on.
            self.struck[pid].add(number)
            self._do(f"kill worker by {number.name}", pid, number)

    def _stop_worker(self) -> None:
        if (pid := self._some_worker()) is not None:
            self._stop("stop worker", pid)

    def _stop_other(self) -> None:
        others = [self.controller, *self.family.zygotes()]
        self._stop("stop controller or zygote", self.random.choice(others))

    def _kill_zygote(self) -> None:
        zygotes = self.family.zygotes()
        if zygotes and self._zygotes_killed < self.plan.zygotes:
            self._zygotes_killed += 1
            pid = self.random.choice(zygotes)
            self.struck[pid].add(Signals.SIGKILL)
            self._do("kill zygote", pid, Signals.SIGKILL)

    def _do_last(self) -> None:
        what, self._last_due = self.plan.last, float("inf")
        if what == "interrupt":
            self.deeds.append(Deed(self._now(), "interrupt", self.controller))
            os.killpg(self.controller, signal.SIGINT)
        elif what == "kill":
            self._do("kill controller", self.controller, Signals.SIGKILL)
        elif (pid := self._some_worker()) is not None:
            self.frozen.add(pid)
            self._do("freeze worker", pid, Signals.SIGSTOP)

    def _some_worker(self) -> int | None:
        alive = [pid for pid in self.family.living_workers() if pid not in self.frozen]
        return self.random.choice(alive) if alive else None

    def _stop(self, what: str, pid: int) -> None:
        seconds = self.random.uniform(0.02, _LONGEST_STOP)
        if self._do(f"{what} for {seconds:.2f} s", pid, Signals.SIGSTOP):
            self._stopped.append((self._now() + seconds, pid))

    def _continue_stopped(self) -> None:
        now = self._now()
        for due, pid in self._stopped:
            if due <= now and pid not in self.frozen:
                self.family.signal(pid, Signals.SIGCONT)
        self._stopped = [one for one in self._stopped if one[0] > now]

    def _do(self, what: str, pid: int, number: Signals) -> bool:
        done = self.family.signal(pid, number)
        if done:
            self.deeds.append(Deed(self._now(), what, pid))
        return done

    def _now(self) -> float:
        return time.monotonic() - self._began
