"""What a worker sends is not believed: nonsense, floods and lies cost a test, never the run."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from .parity import on_workers

#: What the suite needs to speak as a worker does: frames, messages, values.
WIRE = """
import os, socket, stat, struct, sys, time

def link():
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                found = socket.socket(fileno=os.dup(number))
                if (found.family, found.type) == (socket.AF_UNIX, socket.SOCK_STREAM):
                    return found
        except OSError:
            pass  # the listing's own

def number(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])

def frame(message): return struct.pack("<IB", len(message) + 1, 1) + message
def started(test): return frame(b"\\1" + number(test))
def ended(test, payload, text=b""):
    head = b"\\2" + number(test) + b"\\0" + number(0) + bytes(40) + number(0)
    return frame(head + number(len(text)) + text + number(len(payload)) + payload + b"\\0")
def next_wanted(): return frame(b"\\3" + number(0))
def between_tests(payload=b"N"):
    return frame(b"\\4" + number(1) + number(1) + b"x" + number(len(payload)) + payload)
def debugger_wanted(): return frame(b"\\6")
def all_said(): return frame(b"\\x08")
def lacking(tests): return frame(b"\\x0a" + number(len(tests)) + b"".join(map(number, tests)))

def value(one):
    if one is None: return b"N"
    if isinstance(one, str): return b"s" + number(len(one.encode())) + one.encode()
    if isinstance(one, float): return b"d" + struct.pack("<d", one)
    if isinstance(one, int): return b"i" + number(2 * one)
    if isinstance(one, dict):
        return b"{" + number(len(one)) + b"".join(value(k) + value(v) for k, v in one.items())
    tag = b"(" if isinstance(one, tuple) else b"["
    return tag + number(len(one)) + b"".join(map(value, one))

def send(data, times=1):
    for _ in range(times):
        LINK.sendall(data)

def flood(data):
    # Never reads: what the controller answers stays in the socket.
    for _ in range(2_000):
        send(data * 100)
"""

#: By name: what the test does, with its own number `me`, and the verdicts that are fine.
ATTACKS = {
    "garbage": ("send(b'\\xff' * 4096)", "crashed"),
    "text": ("send(b'GET / HTTP/1.1\\r\\n\\r\\n' * 100)", "crashed"),
    "length_of_4_gigabytes": ("send(b'\\xff\\xff\\xff\\xff\\1')", "crashed"),
    "empty_frame": ("send(bytes(5))", "crashed"),
    "version_of_tomorrow": ("send(struct.pack('<IB', 2, 250) + b'\\6')", "crashed"),
    "unknown_message": ("send(frame(b'\\x7f'))", "crashed"),
    "message_with_a_tail": ("send(frame(b'\\6' + b'tail'))", "crashed"),
    "frame_that_never_ends": ("send(struct.pack('<IB', 200_000_000, 1) + bytes(10**7))", "timeout"),
    "test_that_is_not_there": ("send(started(2**32 - 1)); send(ended(2**32 - 1, b'N'))", "passed"),
    "tests_of_others": (
        "[send(started(n) + ended(n, b'N')) for n in range(99) if n != me]",
        "passed",
    ),
    "lack_of_what_it_has": ("send(lacking(range(99)))", "passed"),
    "lack_of_what_is_not_there": ("send(lacking([2**32 - 1]))", "passed"),
    "flood_of_questions": ("flood(all_said())", "crashed"),
    "flood_of_lacks": ("flood(lacking(range(99)))", "crashed"),
    "flood_of_debuggers": ("flood(debugger_wanted())", "crashed"),
    "flood_of_starts": ("flood(started(me))", "crashed"),
    "flood_of_errors": ("flood(between_tests())", "crashed"),
    "payload_of_garbage": ("send(ended(me, b'\\xff' * 100))", "passed"),
    "payload_too_deep": ("send(ended(me, b'[\\1' * 100_000))", "passed"),
    "payload_of_nothing": ("send(ended(me, b'[' + number(10**8) + b'N' * 10**8))", "passed"),
    "payload_of_lists": ("send(ended(me, b'[' + number(10**7) + b'[\\0' * 10**7))", "passed"),
    "text_that_is_none": ("send(ended(me, b'N', b'\\xff\\xfe'))", "crashed"),
    **{
        f"report_{name}": (f"send(ended(me, value({payload})))", "passed")
        for name, payload in {
            "of_numbers": "(1, 2, 3, 4, 5)",
            "without_fields": "([{}], None)",
            "with_odd_rest": "([], None, [1, {}, []], [(1, 2)], 7)",
            "with_odd_text": "([], None, [], [], {})",
            "with_odd_times": "([('call', 'x', 'y', 'z', 1, 2)], (('a', 1, 'b'), ('c',)))",
            "with_odd_phase": "([('no', 0.0, 0.0, 0.0, [], [])], (('a', 1, 'b'), ('c',)))",
            "with_odd_sections": "([('call', 0.0, 0.0, 0.0, [1], [])], (('a', 1, 'b'), ('c',)))",
            "with_odd_place": "([('call', 0.0, 0.0, 0.0, [], [])], (1, 2))",
            "with_odd_outcome": "([REPORT | {'outcome': 'odd'}], None)",
            "with_odd_duration": "([REPORT | {'duration': 'odd'}], None)",
            "with_odd_longrepr": "([REPORT | {'outcome': 'failed', 'longrepr': [1]}], None)",
            "with_odd_skip": "([REPORT | {'outcome': 'skipped', 'longrepr': 'x'}], None)",
            "with_odd_methods": "([REPORT | {'get_sections': 1, 'head_line': 2}], None)",
            "with_odd_nodeid": "([REPORT | {'nodeid': 7, 'location': 7}], None)",
            "with_odd_keywords": "([REPORT | {'keywords': 7}], None)",
            "with_odd_properties": "([REPORT | {'user_properties': [7]}], None)",
            "with_odd_xfail": "([REPORT | {'wasxfail': 7}], None)",
            "of_no_known_type": "([REPORT | {'$report_type': 'os.system'}], None)",
        }.items()
    },
    "flood_after_death": (
        "os.fork() == 0 and (os.setsid(), flood(all_said()), os._exit(0)); os._exit(0)",
        "crashed",
    ),
}

SUITE = (
    WIRE
    + """
import pytest

LINK = None
REPORT = {
    "nodeid": "x", "location": ("x", 1, "x"), "keywords": {}, "outcome": "passed", "longrepr": None,
    "when": "call", "user_properties": [], "sections": [], "duration": 0.0, "start": 0.0,
    "stop": 0.0, "$report_type": "TestReport",
}

@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name, request):
    global LINK
    LINK = link()
    me = request.session.items.index(request.node)
    exec(ATTACKS[name], {**globals(), "me": me})

@pytest.mark.parametrize("number", range(40))
def test_other(number):
    pass
"""
)

CONFTEST = """
import os, resource

def pytest_unconfigure(config):
    if "PYTEST_CONCURRENT" not in os.environ:
        print("PEAK", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "MiB")
"""

#: What the controller may take, in MiB: a frame of the greatest length twice, and itself.
PEAK = 900


#: One of each kind: what is heard of spawned workers goes the same way as what forked ones say.
FOR_SPAWNED = (
    "garbage",
    "length_of_4_gigabytes",
    "frame_that_never_ends",
    "tests_of_others",
    "flood_of_questions",
    "payload_too_deep",
    "text_that_is_none",
    "report_with_odd_outcome",
    "report_of_no_known_type",
    "flood_after_death",
    "lack_of_what_it_has",
    "lack_of_what_is_not_there",
)


@pytest.mark.parametrize(("start", "names"), [("fork", tuple(ATTACKS)), ("spawn", FOR_SPAWNED)])
def test_every_attack_costs_one_test(
    pytester: pytest.Pytester, start: str, names: tuple[str, ...]
) -> None:
    attacks = {name: ATTACKS[name][0] for name in names}
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_attacks=f"ATTACKS = {attacks!r}\n{SUITE}")
    result = pytester.runpytest_subprocess(
        "--concurrent",
        "--workers=2",
        f"--concurrent-start={start}",
        "--test-timeout=5",
        "--worker-timeout=20",
        "--concurrent-max-worker-restarts=100",
        "--concurrent-events=events.jsonl",
        "--junitxml=junit.xml",
        "--durations=5",
        "-rA",
    )
    text = result.stdout.str()
    assert "INTERNALERROR" not in text
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    stream = (pytester.path / "events.jsonl").read_text().splitlines()
    finished = [e for e in map(json.loads, stream) if e["event"] == "test_finished"]
    verdicts = {e["test"].partition("[")[2].rstrip("]"): e["verdict"] for e in finished}
    assert max(Counter(e["test"] for e in finished).values()) == 1
    assert len(finished) == len(names) + 40
    assert {name: verdicts[name] for name in names} == {name: ATTACKS[name][1] for name in names}
    assert {verdicts[str(number)] for number in range(40)} == {"passed"}
    (peak,) = (int(line.split()[1]) for line in result.outlines if line.startswith("PEAK"))
    assert peak < PEAK


def test_worker_may_lack_only_what_there_is(pytester: pytest.Pytester) -> None:
    """One that still collects says that it lacks every test, thousands of times, and others."""
    lies = "[*range(9), 2**32 - 1] * 10_000"
    pytester.makeconftest(
        f"{WIRE}\nLINK = link()\n"
        "def pytest_sessionstart(session):\n"
        "    if os.environ.get('PYTEST_XDIST_WORKER') == 'gw1':\n"
        f"        send(lacking({lies}))\n"
    )
    pytester.makepyfile("def test_one(): pass\ndef test_two(): pass")
    result = pytester.runpytest_subprocess(*on_workers(2, "spawn"))
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*2 tests that not every worker collected (gw1):*"])
