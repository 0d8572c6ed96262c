"""A run ends before its time because a test, a plugin or an option says so."""

from __future__ import annotations

from typing import Any

from .fault import DIE, Fault

_MANY = """
    @pytest.mark.parametrize("number", range(12))
    def test_long(number): time.sleep(0.1)
"""
_SOME = {f"test_long[{number}]": "passed|not_run" for number in range(12)}


def _stopped(
    name: str, body: str, verdict: str, exit_status: int, *texts: str, **more: Any
) -> Fault:
    return Fault(
        name=name,
        suite=f"    def test_stops(request):\n        time.sleep(0.2)\n        {body}{_MANY}",
        expected={"test_stops": verdict, **_SOME},
        others="passed|not_run",
        exit=exit_status,
        texts=texts,
        workers=(1, 2, 8),
        **more,
    )


STOPS: tuple[Fault, ...] = (
    _stopped("a_test_exits_pytest", "pytest.exit('enough', 7)", "not_run", 7, "Exit: enough"),
    _stopped(
        "a_test_stops_the_session",
        "request.session.shouldstop = 'had enough'",
        "passed",
        2,
        "Interrupted: had enough",
    ),
    _stopped(
        "a_test_fails_the_session",
        "request.session.shouldfail = 'failed enough'",
        "passed",
        1,
        "!!! failed enough !!!",
    ),
    _stopped("a_test_presses_ctrl_c", "raise KeyboardInterrupt", "not_run", 2, "KeyboardInterrupt"),
    Fault(
        name="a_failure_ends_the_run_while_others_crash",
        suite=f"""
            def test_fails():
                while not (HERE / "running").exists(): time.sleep(0.01)
                assert False
            def test_dies():
                (HERE / "running").touch()
                time.sleep(0.5)
                {DIE}
            @pytest.mark.parametrize("number", range(12))
            def test_long(number): time.sleep(0.1)
        """,
        expected={"test_fails": "failed", "test_dies": "crashed", **_SOME},
        others="passed|not_run",
        options=("-x",),
        texts=("stopping after",),
        workers=(2,),
    ),
    Fault(
        name="failures_errors_and_deaths_add_up",
        suite=f"""
            @pytest.fixture
            def broken(): raise RuntimeError("no luck")
            @pytest.mark.parametrize("number", range(4))
            def test_fails(number): assert False
            @pytest.mark.parametrize("number", range(4))
            def test_errors(broken, number): pass
            @pytest.mark.parametrize("number", range(4))
            def test_dies(number): {DIE}
            @pytest.mark.parametrize("number", range(12))
            def test_long(number): time.sleep(0.1)
        """,
        expected={
            **{f"test_fails[{number}]": "failed|not_run" for number in range(4)},
            **{f"test_errors[{number}]": "error|not_run" for number in range(4)},
            **{f"test_dies[{number}]": "crashed|not_run" for number in range(4)},
            **_SOME,
        },
        others="passed|not_run",
        options=("--maxfail=3", "-p", "no:randomly"),
        texts=(r"stopping after [1-9][0-9]? failures",),
        workers=(1, 2, 8),
    ),
)
