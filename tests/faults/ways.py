"""Ways for a process to die, and what is told of each."""

from __future__ import annotations

from collections.abc import Iterable

#: Every way, and the words for it.
WAYS = {
    "sigsegv": "SIGSEGV",
    "null_read": "SIGSEGV",
    "stack_overflow": "SIGSEGV",
    "sigbus": "SIGBUS",
    "sigabrt": "SIGABRT",
    "sigterm": "SIGTERM",
    "sigkill": "SIGKILL",
    "exit_0": "exit status 0",
    "exit_3": "exit status 3",
}

#: For a suite or a conftest file: `die("sigbus")` ends the process that calls it. The stack
#: overflows by calls from C, which no version of Python counts so far, and may not grow.
DYING = """\
def overflow(depth=3000):
    resource.setrlimit(resource.RLIMIT_STACK, (4096, resource.RLIM_INFINITY))
    sys.setrecursionlimit(100_000)
    return re.sub("a", lambda _: overflow(depth - 1), "a") if depth else ""

def beyond_the_file():
    with tempfile.TemporaryFile() as file:
        file.truncate(4096)
        area = mmap.mmap(file.fileno(), 4096)
        file.truncate(0)
        return area[0]

WAYS = {
    "sigsegv": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "null_read": lambda: ctypes.string_at(0),
    "stack_overflow": overflow,
    "sigbus": beyond_the_file,
    "sigabrt": os.abort,
    "sigterm": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "sigkill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exit_0": lambda: os._exit(0),
    "exit_3": lambda: os._exit(3),
}

def die(way):
    WAYS[way]()
    # A signal may reach another thread a moment later.
    time.sleep(60)
"""


def told(moment: str, ways: Iterable[str] = WAYS, test: str = "test_dies") -> tuple[str, ...]:
    """Patterns for a parametrised test that dies in each way: the failure below its headline."""
    return tuple(rf"{test}\[{way}\] _+\s+worker gw\d died \({WAYS[way]}\) {moment}" for way in ways)
