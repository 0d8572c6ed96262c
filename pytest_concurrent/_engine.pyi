"""The engine of pytest-concurrent, compiled from Rust.

Times are seconds, moments unix seconds, memory bytes, unless something else is said. Tests,
fixtures and workers (slots) are numbers here; a worker's name is ``gw`` and its slot.

Any of them may raise ``TypeError`` or ``OverflowError`` for arguments of a wrong type or range.
"""

from collections.abc import Mapping, Sequence, Set
from os import PathLike
from typing import Any, Literal, Protocol, TypeAlias, TypedDict, final

__all__ = [
    "Evidence",
    "History",
    "Outcome",
    "Page",
    "Plan",
    "Spawner",
    "Supervisor",
    "WorkerLink",
    "WorkerStatus",
    "ZygoteLink",
    "advise_workers",
    "benchmark",
    "compare",
    "database_identity_sql",
    "database_name",
    "give_back_memory",
    "keep",
    "merge_timing_files",
    "prune_timing_file",
    "read_timings",
    "receive_birth",
    "redact",
    "secrets_in",
    "stacks_signal",
    "system_resources",
    "version",
    "worker_bounds",
    "write_timings",
]

class _Timing(TypedDict, total=False):
    # The same as `timing_utils.Timing`, which documents it; from here no arrow leads there.
    # mypy compares the two where one is given for the other.
    duration: float
    setup: float
    status: str
    runs: int
    timestamp: float | None
    worker: str | None
    provisional: bool

class _Terms(Protocol):
    # What a supervisor reads of `controller.terms.Terms`, which documents it.
    @property
    def workers(self) -> int: ...
    @property
    def workers_reason(self) -> str: ...
    @property
    def start_method(self) -> str: ...
    @property
    def max_failures(self) -> int | None: ...
    @property
    def max_restarts(self) -> int: ...
    @property
    def max_retries(self) -> int: ...
    @property
    def retry_delay(self) -> float: ...
    @property
    def recycle_after(self) -> int | None: ...
    @property
    def memory_limit(self) -> int | None: ...
    @property
    def scaling(self) -> tuple[int, int] | None: ...
    @property
    def keep_children(self) -> list[str]: ...
    @property
    def test_limit(self) -> float | None: ...
    @property
    def worker_limit(self) -> float: ...
    @property
    def run_limit(self) -> float | None: ...
    @property
    def slow(self) -> float: ...
    @property
    def elapsed(self) -> float: ...
    @property
    def given_order(self) -> bool: ...
    @property
    def asks(self) -> bool: ...
    @property
    def run_id(self) -> str: ...
    @property
    def versions(self) -> Mapping[str, str]: ...
    @property
    def keep_records(self) -> bool: ...
    @property
    def events(self) -> int | None: ...
    @property
    def secrets(self) -> Sequence[str]: ...

# Verdicts that a worker reports, and those that are reached without it.
_Reported: TypeAlias = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]
_Unreported: TypeAlias = Literal["timeout", "crashed", "not_run"]
_StopKind: TypeAlias = Literal["should_stop", "exit", "internal_error", "keyboard_interrupt"]
_Ending: TypeAlias = Literal[
    "completed",
    "max_failures",
    "stopped",
    "interrupted",
    "run_timeout",
    "restarts_spent",
    "retries_spent",
]

# What `Supervisor.messages` gives; its docstring says what each means. `Any` is a payload: builtin
# values as the worker packed them, None if they cannot be read.
_Replacing: TypeAlias = tuple[Literal["replacing"], int, int]
_Ready: TypeAlias = tuple[Literal["ready"], int, int, int]
_Lacking: TypeAlias = tuple[Literal["lacking"], int, list[int]]
_StartFailed: TypeAlias = tuple[Literal["start_failed"], int, str]
_Ended: TypeAlias = tuple[Literal["ended"], int, int, _Reported | Literal["not_run"], float, Any]
_Settled: TypeAlias = tuple[Literal["settled"], int | None, int, _Unreported, Evidence | None]
_Asked: TypeAlias = tuple[Literal["asked"], int, int, Literal["timeout", "crashed"], Evidence]
_BetweenTests: TypeAlias = tuple[Literal["between_tests"], int, Any]
_WorkerLost: TypeAlias = tuple[Literal["worker_lost"], int, bool, Evidence]
_Stop: TypeAlias = tuple[Literal["stop"], int, _StopKind, str, int | None]
_Finished: TypeAlias = tuple[Literal["finished"], int, Any]
_Output: TypeAlias = tuple[Literal["output"], int, Literal[1, 2], bytes]
_Debugger: TypeAlias = tuple[Literal["debugger"], int, int | None]
_DebuggerOver: TypeAlias = tuple[Literal["debugger_over"], int]
_Status: TypeAlias = tuple[Literal["status"], list[WorkerStatus]]
_Notice: TypeAlias = (
    tuple[Literal["notice"], Literal["slow"], int, int, float, None]
    | tuple[Literal["notice"], Literal["test_near_limit"], int, int, float, float]
    | tuple[Literal["notice"], Literal["run_near_limit"], None, None, float, float]
)
_WorkerNearLimit: TypeAlias = tuple[Literal["worker_near_limit"], int, str, float, float]
_Recycled: TypeAlias = tuple[Literal["recycled"], int, Literal["tests", "memory"], int, int]
_Retry: TypeAlias = tuple[Literal["retry"], int, Literal["start", "killed"], int, float]
_GivenUp: TypeAlias = tuple[Literal["given_up"], int, Literal["start", "killed"], int]
_Scaled: TypeAlias = tuple[Literal["scaled"], int, Literal["idle", "cpu", "memory"]]
_Orphans: TypeAlias = tuple[Literal["orphans"], list[tuple[int, str]], list[tuple[int, str]]]
_Over: TypeAlias = tuple[Literal["over"], _Ending]
_Message: TypeAlias = (
    _Replacing
    | _Ready
    | _Lacking
    | _StartFailed
    | _Ended
    | _Settled
    | _Asked
    | _BetweenTests
    | _WorkerLost
    | _Stop
    | _Finished
    | _Output
    | _Debugger
    | _DebuggerOver
    | _Status
    | _Notice
    | _WorkerNearLimit
    | _Recycled
    | _Retry
    | _GivenUp
    | _Scaled
    | _Orphans
    | _Over
)

@final
class Plan:
    """The collected tests and what they share.

    Built before the zygote is forked; used up by the supervisor, after which every method raises
    ``RuntimeError``.

    Args:
        nodeids: The tests, in the order in which pytest would run them; their places are their
            numbers.
        modules: A number for each test that tests of one file share.
        estimates: Seconds that each test is thought to take; ``None`` = unknown.

    Raises:
        ValueError: The three are not of one length.
    """

    def __new__(
        cls,
        nodeids: Sequence[str],
        modules: Sequence[int],
        estimates: Sequence[float | None],
    ) -> Plan: ...
    def add_fixture(self, key: str, cost: float | None, session: bool) -> int:
        """Add a set-up that tests share, and give its number.

        Args:
            key: Its name in the timings.
            cost: Seconds that it took when last measured; ``None`` = unknown.
            session: Whether each worker pays for it once, however the tests are spread.
        """

    def set_fixtures(self, test: int, fixtures: Sequence[int]) -> None:
        """Say which shared set-ups a test needs, the widest scope first.

        Raises:
            ValueError: There is no such test, or a fixture was not added.
        """

    def set_group(self, test: int, kind: str, name: str) -> None:
        """Put a test into a group, which is never split.

        Args:
            test: Its number.
            kind: Whose rule it is: ``mark``, ``class`` or ``file``.
            name: The group's name among those of its kind; reports show it.

        Raises:
            ValueError: There is no such test.
        """

    def set_turn(self, test: int, turn: int) -> None:
        """Say that a test is handed out after those of earlier turns; the first turn is 0.

        Raises:
            OverflowError: The turn is negative or above 255.
            ValueError: There is no such test.
        """

    def set_serial(self, test: int) -> None:
        """Say that a test runs while nothing else runs.

        Raises:
            ValueError: There is no such test.
        """

    def add_resource(self, test: int, name: str, slots: int) -> None:
        """Say that a test holds a resource while it runs.

        Args:
            test: The test.
            name: The resource.
            slots: How many tests may hold it at once, at least 1; the first one who names the
                resource decides.

        Raises:
            ValueError: There is no such test.
        """

    def set_limit(self, test: int, seconds: float, *, with_shared: bool) -> None:
        """Give a test a limit of its own, in place of the run's for tests.

        Args:
            test: The test.
            seconds: The limit.
            with_shared: Whether set-ups and teardowns that it shares with others count too.

        Raises:
            ValueError: There is no such test, or the number is no duration.
        """

    def shard(self, index: int, count: int) -> tuple[list[int], str]:
        """Say which tests belong to one part of the suite; groups stay whole.

        The split is the same on every machine that is given the same tests and estimates.

        Args:
            index: Which part, from 1.
            count: How many parts there are.

        Returns:
            The numbers of the tests, ascending, and a digest of what the split came from.
        """

    @property
    def group_count(self) -> int:
        """How many groups could run side by side at most."""

@final
class Page:
    """The memory that the controller and all workers share.

    It holds which of the handed-out tests may still start, and what runs.

    Args:
        slots: How many workers there are.

    Raises:
        OSError: The system gives no memory.
    """

    def __new__(cls, slots: int) -> Page: ...
    def running(self) -> list[tuple[int, int, float]]:
        """Give the tests that run now: slot, number of the test, seconds that it has run."""

@final
class Spawner:
    """Starts workers that are processes of their own and collect by themselves.

    The descriptors are taken over. A worker finds what it needs by `receive_birth` on its standard
    input; nothing else is inherited.

    Args:
        command: The interpreter and its arguments.
        folder: Where the workers start.
        environment: Their whole environment, names and values.
        parts: For each slot what is added to the environment, what the worker is told (builtin
            values; others become their ``repr``), and descriptors that it is to have after those
            that all have.
        page: The page that they share with this process.
        lifeline: Read end of the pipe whose end they do not survive.
        inherited: Descriptors that every worker is to have as well.
    """

    def __new__(
        cls,
        command: tuple[str, list[str]],
        folder: str | PathLike[str],
        environment: list[tuple[bytes, bytes]],
        parts: list[tuple[list[tuple[bytes, bytes]], Any, list[int]]],
        *,
        page: Page,
        lifeline: int,
        inherited: list[int],
    ) -> Spawner: ...
    def start_early(self) -> None:
        """Start a worker on every slot before anybody asks.

        Raises:
            RuntimeError: A supervisor has taken it over, or it was dismissed.
        """

    def dismiss(self) -> None:
        """End the workers that were started, unless a supervisor has taken them over.

        They are interrupted as by Ctrl-C, and killed if they take longer than 5 s.
        """

def receive_birth(
    descriptor: int,
) -> tuple[int, int, list[int], Page, int, list[int], Any]:
    """Read what a worker was started with, from the socket that a `Spawner` left for it.

    Args:
        descriptor: The socket; it is taken over.

    Returns:
        Slot, attempt, the worker's descriptors (socket, stdout, stderr, fault file, captured stdout
        and stderr), the page, the lifeline, what else it was given, and what it is told.

    Raises:
        EOFError: Nobody left anything.
        OSError: The socket, or the page, cannot be used.
    """

@final
class Supervisor:
    """A run in progress: one thread, from the first worker to the last verdict.

    Descriptors are taken over, whether or not the supervisor can start. No other thread may fork
    from here on.

    Args:
        plan: The tests; used up.
        page: The page that the zygote inherited.
        zygote: Descriptor of the zygote's socket, and its process id.
        spare: Descriptor of the socket of its spare.
        terms: How the run is to be done.

    Raises:
        OSError: The system gives no thread.
        RuntimeError: The plan was used up before.
        ValueError: One of the limits is no duration.
    """

    def __new__(
        cls, plan: Plan, page: Page, zygote: tuple[int, int], spare: int, terms: _Terms
    ) -> Supervisor: ...
    @staticmethod
    def spawning(plan: Plan, spawner: Spawner, terms: _Terms) -> Supervisor:
        """Start a run whose workers are processes of their own; plan and spawner are used up.

        Raises:
            OSError: The system gives no thread.
            RuntimeError: The plan or the spawner was used up before.
            ValueError: One of the limits is no duration.
        """

    def messages(self) -> list[_Message]:
        """Give what happened since the last call; waits up to 0.1 s if nothing did.

        At most 256 messages, each a tuple that begins with its name:

        - ``("replacing", slot, attempt)``: a worker is being started where another has been.
        - ``("ready", slot, attempt, pid)``: a worker waits for its first test; ``attempt``
          counts the processes on this slot from 1.
        - ``("lacking", slot, tests)``: the worker that starts there collected by itself and did
          not find these tests.
        - ``("start_failed", slot, reason)``: the system refused a worker; ``reason`` is for people.
        - ``("ended", slot, test, verdict, seconds, payload)``: a test is over. ``seconds`` is how
          long it kept its worker; ``payload`` its reports, ``None`` if they cannot be read.
        - ``("settled", slot, test, verdict, evidence)``: a test has a verdict that no worker
          reported: ``timeout``, ``crashed`` or ``not_run``. ``slot`` is ``None`` if it never
          started, ``evidence`` if no process died of it.
        - ``("asked", slot, test, verdict, evidence)``: a worker died with this test; `judge` is
          to say whether it runs again, else it is settled so. Only if the terms say ``asks``.
        - ``("between_tests", slot, payload)``: reports that belong to no running test.
        - ``("worker_lost", slot, finishing, hung, evidence)``: a worker died while no test ran on
          it; ``finishing`` = it was tearing down already, ``hung`` = it was ended for taking too
          long.
        - ``("stop", slot, kind, text, code)``: a worker asks to stop the session; ``code`` is the
          exit code that ``pytest.exit`` was given, if any.
        - ``("finished", slot, payload)``: a worker said goodbye; ``payload`` is what plugins left
          in ``workeroutput``.
        - ``("output", slot, stream, lines)``: lines that a worker wrote past the capture, to
          stdout (1) or stderr (2), or the beginning of one that has waited for its end for too
          long; only if the terms ask for them.
        - ``("debugger", slot, test)``: a worker waits for the terminal, to be given to it by
          `lend_terminal` when nobody else writes there; ``test`` is what it stopped in, if any.
        - ``("debugger_over", slot)``: the terminal has come back, or the worker is gone.
        - ``("status", statuses)``: the answer to `inquire`, one for each slot.
        - ``("notice", kind, slot, test, elapsed, limit)``: something for people to know: ``slow``
          (no limit), ``test_near_limit`` or ``run_near_limit`` (neither slot nor test).
        - ``("worker_near_limit", slot, doing, elapsed, limit)``: the same of a worker; ``doing``
          is what it is at that tests share, empty while it starts or tears down.
        - ``("recycled", slot, cause, tests, memory)``: a worker makes room for a fresh one after
          so many tests; ``memory`` is what it owned when last measured, 0 = never.
        - ``("retry", slot, cause, attempt, delay)``: a worker did not start, or was killed from
          outside between tests; it is tried again after ``delay`` seconds.
        - ``("given_up", slot, cause, attempts)``: the same, and it is not tried again there.
        - ``("scaled", workers, cause)``: so many workers are to run from now on.
        - ``("orphans", [(pid, command), …], [(pid, command), …])``: processes that tests had left
          behind, with their command lines: those that were ended, and those that may stay.
        - ``("over", ending)``: the run is over; nothing follows.

        Raises:
            OSError: The thread ended without saying that the run is over.
            RuntimeError: The supervisor was joined before.
            BaseException: Whatever a signal handler of Python raises.
        """

    @property
    def outlook(self) -> tuple[float, float, list[tuple[int, float]]]:
        """What is thought of the run at its start.

        Seconds of work, seconds of the shortest run that so many workers allow, and for each slot
        its likely number of tests and their seconds.
        """

    def stop(self) -> None:
        """Have no further test start; running ones finish. Calling it again changes nothing."""

    def judge(self, test: int, again: bool) -> None:
        """Answer the message ``asked``; of any other test it changes nothing.

        Args:
            test: Number of the test.
            again: Whether it runs again. It does not if the run is ending.

        Raises:
            RuntimeError: The supervisor was joined before.
        """

    def lend_terminal(self, slot: int) -> None:
        """Let the worker that a ``debugger`` message named have the terminal."""

    def inquire(self) -> None:
        """Ask what every worker is doing; the answer is a ``status`` message.

        It comes after 0.25 s, or where py-spy is on PATH after 3 s at most.
        """

    def halt(self) -> None:
        """Ctrl-Z: stop every worker, and let no deadline come nearer until `resume`."""

    def resume(self) -> None:
        """Let the workers go on."""

    def interrupt(self) -> None:
        """Stop: the first time running tests may finish, the second time they may not.

        Raises:
            RuntimeError: The supervisor was joined before.
        """

    def join(self) -> Outcome:
        """Wait for the thread, which ends right after ``over``, and give what is left of the run.

        Raises:
            OSError: The thread failed.
            RuntimeError: The supervisor was joined before.
        """

@final
class Outcome:
    """What is left of a run. Made by `Supervisor.join` only."""

    def record(self, history: History) -> None:
        """Add what was measured to the history; numbers that are no timings are left out."""

    def benchmark_lines(self) -> list[str]:
        """Give the benchmark report as lines; empty unless the terms said to keep records."""

    def benchmark_json(self) -> str:
        """Give the benchmark report as JSON, with a line end at the end."""

    @property
    def events_error(self) -> str | None:
        """Why the file of events is not whole; ``None`` if it is, or nobody asked for it."""

@final
class Evidence:
    """What a dead worker left behind. Comes with messages only."""

    @property
    def death(self) -> str:
        """How the process ended: ``SIGSEGV``, ``exit status 3``; empty if there never was one."""

    @property
    def signal(self) -> int | None:
        """The number of the signal that ended it, if one did."""

    @property
    def phase(self) -> str:
        """What it was doing: ``setup``, ``call``, ``teardown`` or ``between tests``."""

    @property
    def sharing(self) -> str:
        """What it was at that tests share: ``set-up of module fixture 'db'``; empty if nothing."""

    @property
    def limit(self) -> Literal["test", "worker", "run"] | None:
        """Whose limit it was ended for; None if it died of something else."""

    @property
    def elapsed(self) -> float:
        """Seconds that the test had been running."""

    @property
    def stacks(self) -> str:
        """What ``faulthandler`` wrote."""

    @property
    def native(self) -> str:
        """The same with native frames, as py-spy wrote them; empty where it is not on PATH."""

    @property
    def captured(self) -> tuple[str, str]:
        """Captured stdout and stderr of the phase."""

    @property
    def output(self) -> tuple[str, str]:
        """The end of what went past the capture, stdout and stderr."""

    @property
    def cpu(self) -> float:
        """Seconds of processor time, user and system, of the whole process."""

    @property
    def peak_memory(self) -> int:
        """Peak resident memory in bytes."""

    @property
    def before(self) -> list[int]:
        """Numbers of the tests that ran on it before, the oldest first; only the last few."""

@final
class WorkerStatus:
    """What a worker is doing. Comes with messages only."""

    @property
    def slot(self) -> int:
        """Its place."""

    @property
    def pid(self) -> int | None:
        """Its process, if there is one."""

    @property
    def standing(
        self,
    ) -> Literal[
        "vacant", "starting", "testing", "debugging", "waiting", "between tests", "leaving"
    ]:
        """What it is about."""

    @property
    def test(self) -> int | None:
        """The number of the test that it runs."""

    @property
    def elapsed(self) -> float:
        """Seconds that the test has been running."""

    @property
    def stacks(self) -> str:
        """The stacks of its threads, as ``faulthandler`` writes them; empty without a test."""

    @property
    def native(self) -> str:
        """The same with native frames, as py-spy writes them; empty where it is not on PATH."""

@final
class WorkerLink:
    """A worker's end of its socket. To be used by this one process: a fork of it may not speak.

    Made by its name it says at once that the worker is ready and has all tests.

    Every method but `enter` and `share` may wait, lets other threads run meanwhile, and raises

    - ``EOFError``: the controller is gone;
    - ``OSError``: the socket failed;
    - ``RuntimeError``: the caller is a fork of the worker;
    - ``OverflowError``: what is to go is too long for one message; nothing was sent or claimed,
      so the call may be repeated with less;
    - ``ValueError``: what came is no message.

    Args:
        descriptor: The socket; taken over.
        slot: The worker's place.
        page: The page that the worker inherited.
    """

    def __new__(cls, descriptor: int, slot: int, page: Page) -> WorkerLink: ...
    @staticmethod
    def collecting(descriptor: int, slot: int, page: Page) -> WorkerLink:
        """Take over the socket of a worker that collects by itself and says when it is `ready`."""

    def names(self) -> tuple[list[str], list[str]]:
        """Wait for what numbers mean: node ids of tests, keys of shared set-ups. Said once."""

    def ready(self, lacking: list[int]) -> None:
        """Say that the worker waits for its first test, and which tests it does not have."""

    def peek(self) -> int:
        """Give the test that follows the running one; asks the controller if none is at hand.

        Returns:
            Its number; it may still be taken back. -1 = nothing, ever; -2 = nothing for now.
        """

    def wait(self) -> int | None:
        """Wait, between tests, for the test to start next; ``None`` = leave."""

    def take(self) -> int | None:
        """Claim the test that `wait` named and report its start; ``None`` = it was taken back."""

    def ended(
        self,
        test: int,
        verdict: str,
        failures: int,
        timing: tuple[float, float, float, float, float],
        set_ups: Sequence[tuple[int, float]],
        message: str,
        reports: object,
        *,
        decisive: bool = False,
    ) -> tuple[int | None, list[str]]:
        """Report a test, and claim the next one if it is at hand.

        Args:
            test: The test.
            verdict: passed, failed, error, skipped, xfailed or xpassed.
            failures: How many of its reports failed.
            timing: Its start in unix seconds, then seconds of its own set-up, call and teardown,
                and of the shared set-ups inside it.
            set_ups: Numbers of the shared set-ups done for it, and their seconds.
            message: Text of its first failure.
            reports: What the controller needs to tell of it: builtin values; of any other value
                the ``repr`` travels.
            decisive: Whether the run may end with this test: then nothing is claimed, and the call
                returns when the controller has acted on it.

        Returns:
            The number of the next test, claimed, if it was at hand; and the keys under which
            values became text (an empty one stands for a value under no key).

        Raises:
            ValueError: The verdict is none of these.
        """

    def want_terminal(self) -> bool:
        """Wait for the terminal, for a debugger; false = the session ends, none comes up."""

    def return_terminal(self) -> None:
        """Give the terminal back."""

    def between_tests(self, failures: int, message: str, reports: object) -> None:
        """Report what happened while no test ran.

        Args:
            failures: How many of the reports failed.
            message: Text of the first failure.
            reports: As for `ended`.
        """

    def stop(self, kind: str, text: str, code: int | None) -> None:
        """Ask the controller to stop the session; returns when it has acted on that.

        Args:
            kind: should_stop, exit, internal_error or keyboard_interrupt.
            text: What to say.
            code: The exit code that ``pytest.exit`` was given.

        Raises:
            ValueError: The kind is none of these.
        """

    def finished(self, output: object) -> None:
        """Say goodbye; the process ends next.

        Args:
            output: What plugins left for the controller, in builtin values.
        """

    def enter(self, test: int, phase: int) -> None:
        """Note on the page what this worker is doing; in a fork of the worker, nothing happens.

        Args:
            test: The test.
            phase: 0 nothing, 1 its set-up, 2 the test itself, 3 its teardown.
        """

    def share(self, doing: str | None) -> None:
        """Note on the page what this worker is at that tests share; in a fork, nothing happens.

        Args:
            doing: In words, such as ``set-up of module fixture 'db'``; of a long text the
                beginning is kept. None = nothing any more.
        """

@final
class ZygoteLink:
    """The zygote's end of its socket. To be used by this one process: a fork of it may not speak.

    Every method raises ``EOFError`` when the controller is gone (but for `next_fork`), ``OSError``
    when the socket failed, and ``RuntimeError`` in a fork of the zygote.

    Args:
        descriptor: The socket; taken over.
    """

    def __new__(cls, descriptor: int) -> ZygoteLink: ...
    def hello(self) -> None:
        """Introduce the spare to the controller."""

    def close(self) -> None:
        """Let go of the socket, in a fork of the zygote; it may not be used after.

        The controller sees the zygote's death when nobody holds the socket any more.
        """

    def next_fork(self) -> tuple[int, int, list[int]] | None:
        """Wait until a worker is wanted, reaping dead ones on the way.

        Returns:
            Its slot, its attempt (counting from 1), and the descriptors that it is to use, in the
            order of `worker.birth.Birth`; the caller owns them. ``None`` = leave.

        Raises:
            ValueError: What came is no message.
        """

    def forked(self, slot: int, pid: int) -> None:
        """Hand a new worker over to the controller."""

    def fork_failed(self, slot: int, reason: str) -> None:
        """Say that the system refused to fork."""

@final
class History:
    """What earlier runs measured, and what this run adds.

    Args:
        cache: Our own timing file, in pytest's cache folder; ``None`` keeps nothing
            after the run. A missing file is an empty one. One that cannot be read is
            renamed to ``*.bad``, and ``warning`` says so.
    """

    def __new__(cls, cache: str | PathLike[str] | None = None) -> History: ...
    @property
    def warning(self) -> str | None:
        """One line for the user if the cache could not be read and was set aside."""

    def __len__(self) -> int:
        """How many tests are known."""

    def import_file(self, path: str | PathLike[str]) -> int:
        """Add a file that the user named, in any format that is read; it is never changed.

        The newer timestamp wins; undated entries only fill gaps.

        Returns:
            How many of its values were refused (negative, infinite, absurdly long).

        Raises:
            FileNotFoundError: There is no such file.
            PermissionError: It may not be read, or everybody may write it.
            OSError: It is no regular file, or the system refused otherwise.
            ValueError: Its content is in none of the formats; with line and column.
        """

    def resolve(self, nodeids: Sequence[str]) -> None:
        """Give dotted ids (``module.Class.method``) the node ids that were collected."""

    def estimates(
        self, nodeids: Sequence[str], *, imported_only: bool = False
    ) -> list[float | None]:
        """Seconds that each test itself is thought to take; ``None`` = never seen.

        Args:
            nodeids: The tests.
            imported_only: Look at the imported files only, not at the cache, so that every
                machine with the same files computes the same.
        """

    def fixture_costs(
        self, keys: Sequence[str], *, imported_only: bool = False
    ) -> list[float | None]:
        """Seconds that each shared set-up is thought to take; ``None`` = never seen."""

    def record(
        self,
        nodeid: str,
        status: str,
        duration: float,
        *,
        setup: float = 0.0,
        timestamp: float,
        worker: str | None = None,
        with_shared: bool = False,
    ) -> None:
        """Note what became of a test in this run.

        Args:
            nodeid: The test.
            status: passed, failed, error, skipped, xfailed, xpassed, timeout or crashed.
                Only passed, xfailed and xpassed runs move the average.
            duration: Seconds of its own set-up, call and teardown.
            setup: Seconds of its own set-up, a part of ``duration``.
            timestamp: When it ended, in unix seconds.
            worker: The worker that ran it.
            with_shared: Whether set-ups and teardowns that tests share are in ``duration``, which
                then counts only until they are measured apart.

        Raises:
            ValueError: The status is none of these, or a number is no timing.
        """

    def record_fixture(self, key: str, seconds: float, timestamp: float) -> None:
        """Note how many seconds a shared set-up took, and when (unix seconds).

        Raises:
            ValueError: A number is no timing.
        """

    def save(self) -> str | None:
        """Write the cache: what this run measured is folded into what the file says by now.

        Returns:
            One line for the user if the file that was there could not be read.

        Raises:
            OSError: It cannot be written; ``TimeoutError`` when another process holds its
                lock for 10 seconds.
        """

    def export(
        self, path: str | PathLike[str], format: Literal["json", "csv"] | None = None
    ) -> None:
        """Write the tests of this run over what was imported.

        Args:
            path: The file; what is there is replaced.
            format: ``None`` = by the suffix: ``.csv`` is CSV, everything else JSON.

        Raises:
            OSError: It cannot be written, is a symbolic link, or everybody may write it.
        """

def read_timings(path: str | PathLike[str]) -> tuple[dict[str, _Timing], int]:
    """Read a timing file in any format.

    Returns:
        The tests, sorted by node id, and how many values were refused.

    Raises:
        OSError: It cannot be read.
        ValueError: Its content is in none of the formats.
    """

def write_timings(
    timings: dict[str, _Timing] | dict[str, float] | dict[str, _Timing | float],
    path: str | PathLike[str],
    format: Literal["json", "csv"] | None = None,
) -> int:
    """Write a timing file: whole, or not at all.

    Args:
        timings: Per node id a dict of which only ``duration`` must be there, or seconds.
        path: The file; what is there is replaced.
        format: ``None`` = by the suffix: ``.csv`` is CSV, everything else JSON.

    Returns:
        How many values were no timings and were left out.

    Raises:
        OSError: It cannot be written.
    """

def merge_timing_files(
    paths: Sequence[str | PathLike[str]],
    output: str | PathLike[str],
    format: Literal["json", "csv"] | None = None,
) -> tuple[int, int]:
    """Merge timing files into one: the newer timestamp wins, undated entries fill gaps.

    Returns:
        How many tests the output has, and how many values were refused.

    Raises:
        OSError: A file cannot be read or written.
        ValueError: The content of a file is in none of the formats.
    """

def prune_timing_file(
    path: str | PathLike[str], *, before: float | None = None, keep: Set[str] | None = None
) -> tuple[int, int]:
    """Drop tests from a timing file, under its lock.

    Args:
        path: The file.
        before: Drop what ran last before this moment (unix seconds); undated tests stay.
        keep: Drop the tests that are not among these node ids.

    Returns:
        How many tests went, and how many are left.

    Raises:
        OSError: It cannot be read or written.
        ValueError: Its content is in none of the formats.
    """

def benchmark(report: bytes) -> tuple[str, list[str]]:
    """Read the figures of an earlier run.

    Args:
        report: The content of a file of ``--concurrent-benchmark-json`` or of
            ``--concurrent-events``; which of them is seen from the content.

    Returns:
        The figures as JSON with a line end at the end, and as lines for people.

    Raises:
        ValueError: It is neither, or of a later version.
    """

def compare(before: bytes, after: bytes, share: float, seconds: float) -> tuple[bool, list[str]]:
    """Compare two runs. Tests that did not end well in both are left out.

    Args:
        before: The earlier run, as for `benchmark`.
        after: The later run.
        share: How much slower something may be, as a share: 0.2 = 20 %.
        seconds: And in seconds; what exceeds both is slower.

    Returns:
        Whether the run, its common tests together or one of them is slower; and lines for people.

    Raises:
        ValueError: One of them cannot be read.
    """

def keep(door: int, journals: str, run: str, max_retries: int, retry_delay: float) -> None:
    """Be the keeper of the run's databases until everybody else is gone.

    To be called in a forked process that has one thread. Then what the run made is dropped, and
    the call returns; the process should end.

    Args:
        door: The end of a packet socket (``SOCK_SEQPACKET``) through which clients come, each by
            sending one end of a stream socket; taken over.
        journals: Folder, ours alone, where names are written down before they are made.
        run: The run's id.
        max_retries: How often something is tried again that others are in the way of; with 0 no
            server that is away is waited for.
        retry_delay: Seconds before the first of these attempts; doubled before each further one.

    Raises:
        OSError: The system gives no threads.
    """

def database_identity_sql(vendor: str) -> str:
    """Give the statement whose one value tells servers apart, for the project's own driver.

    Args:
        vendor: ``postgresql``, ``mysql`` (MariaDB too) or ``sqlite``.

    Returns:
        The statement; empty for SQLite, which has no server.

    Raises:
        ValueError: The vendor is none of these.
    """

class _Resources(TypedDict):
    processors: int
    busy: float
    memory_available: int
    memory_total: int
    disk_free: int

def system_resources(folder: str | PathLike[str]) -> _Resources:
    """Look at the machine, which takes a fifth of a second.

    Args:
        folder: Whose disk is looked at.

    Returns:
        Whole processors that this process may use; how busy all are, from 0 to 100; bytes.

    Raises:
        OSError: The system does not say.
    """

def redact(text: str, secrets: Sequence[str] = ...) -> str:
    """Take secrets out of a text: each becomes ``***``.

    Args:
        text: Any text.
        secrets: Known ones, found wherever they stand, also as URLs write them. What stands where
            secrets do (``://user:…@``, ``password=…``, ``Bearer …``) is found without.
    """

def secrets_in(variables: dict[str, str]) -> list[str]:
    """Find the secrets among variables, by their names, and within their values, as in URLs.

    Values of fewer than 6 bytes are left out: they are words of any text.
    """

def database_name(text: str) -> str:
    """Make a name for a test database of any text.

    Returns:
        The text itself if it is such a name; else what is left of it, with ``test_`` in it.

    Raises:
        ValueError: Nothing is left of it, or more than 63 bytes.
    """

def advise_workers(groups: int, memory_per_worker: int | None = None) -> tuple[int, str]:
    """Say how many workers are useful on this machine.

    Args:
        groups: How many groups of tests could run side by side.
        memory_per_worker: Bytes that a worker is thought to need; ``None`` = 512 MiB.

    Returns:
        The number, at least 1, and in words what bounds it.
    """

def worker_bounds(groups: int, memory_per_worker: int | None = None) -> list[tuple[int, str]]:
    """Say what bounds the number of workers on this machine.

    Args:
        groups: As for `advise_workers`, which gives the least of these bounds.
        memory_per_worker: As there.

    Returns:
        Each bound with a phrase for people: groups, memory, quota, processors.
    """

def give_back_memory() -> None:
    """Give memory that is free back to the system, where the C library can (glibc)."""

def stacks_signal() -> int:
    """Give the number of the signal at which a worker is to write the stacks of its threads."""

def version() -> str:
    """Give the version of the engine, which is that of the distribution."""
