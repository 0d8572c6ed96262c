"""A signal comes from outside."""

from __future__ import annotations

import signal

from .fault import DIE, ZYGOTE, Fault
from .scene import Blow

_LONG = """
    @pytest.mark.parametrize("number", range(6))
    def test_long(number):
        (HERE / "running").touch()
        time.sleep(0.5)
"""
_LONG_NAMES = [f"test_long[{number}]" for number in range(6)]

ENDLESS = """
    @pytest.mark.parametrize("number", range(6))
    def test_long(number):
        (HERE / "running").touch()
        time.sleep(60)
"""

_STUBBORN = """
    @pytest.mark.parametrize("number", range(6))
    def test_long(number):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        (HERE / "running").touch()
        time.sleep(60)
"""

_PASSED = dict.fromkeys(_LONG_NAMES, "passed")
_SOME = dict.fromkeys(_LONG_NAMES, "passed|not_run")
_NONE = dict.fromkeys(_LONG_NAMES, "not_run")


def _interrupted(
    name: str, what: signal.Signals, target: str, spawned: tuple[int, ...] = (2,)
) -> Fault:
    return Fault(
        name=name,
        suite=_LONG,
        expected=_SOME,
        others="passed|not_run",
        exit=2,
        blows=(Blow("running", target, what),),
        texts=("interrupted, no further test starts", "KeyboardInterrupt"),
        spawned=spawned,
    )


BLOWS: tuple[Fault, ...] = (
    Fault(
        name="zygote_killed",
        suite=_LONG + f"    def test_dies(): {DIE}",
        expected={**_PASSED, "test_dies": "crashed"},
        blows=(Blow("running", "zygote", signal.SIGKILL),),
        texts=(r"test_fault.py::test_dies",),
        fork_only=ZYGOTE,
    ),
    Fault(
        name="spare_killed",
        suite=_LONG,
        expected=_PASSED,
        exit=0,
        blows=(Blow("running", "spare", signal.SIGKILL),),
        fork_only=ZYGOTE,
    ),
    Fault(
        name="zygote_and_spare_killed",
        suite=_LONG,
        expected=_PASSED,
        exit=0,
        blows=(
            Blow("running", "zygote", signal.SIGKILL),
            Blow("running", "zygote", signal.SIGKILL),
        ),
        fork_only=ZYGOTE,
    ),
    Fault(
        # Nothing is to be forked, but what died is to be reaped.
        name="zygote_stands_still",
        suite=_LONG + f"    def test_dies(): {DIE}",
        expected={**_PASSED, "test_dies": "crashed"},
        blows=(Blow("running", "zygote", signal.SIGSTOP),),
        workers=(2,),
        is_slow=True,
        fork_only=ZYGOTE,
    ),
    Fault(
        name="zygote_and_spare_stand_still",
        suite=_LONG,
        expected=_PASSED,
        exit=0,
        blows=(
            Blow("running", "zygote", signal.SIGSTOP),
            Blow("running", "spare", signal.SIGSTOP),
        ),
        workers=(2,),
        is_slow=True,
        fork_only=ZYGOTE,
    ),
    Fault(
        name="no_zygote_left_for_replacements",
        suite=f"""
            def test_dies():
                (HERE / "running").touch()
                time.sleep(1)
                {DIE}
            @pytest.mark.parametrize("number", range(6))
            def test_long(number): time.sleep(1)
        """,
        expected={**dict.fromkeys(_LONG_NAMES, "passed|not_run"), "test_dies": "crashed"},
        others="passed|not_run",
        blows=(
            Blow("running", "zygote", signal.SIGKILL),
            Blow("running", "zygote", signal.SIGKILL),
        ),
        texts=("not run: ",),
        workers=(1,),
        fork_only=ZYGOTE,
    ),
    Fault(
        name="controller_killed",
        suite="""
            @pytest.mark.parametrize("number", range(6))
            def test_long(number):
                subprocess.Popen(["sleep", "300"])
                if os.fork() == 0:
                    time.sleep(300)
                (HERE / "running").touch()
                time.sleep(60)
        """,
        expected={},
        exit=-9,
        is_reported=False,
        blows=(Blow("running", "controller", signal.SIGKILL),),
        spawned=(1, 2, 8),
    ),
    Fault(
        name="controller_killed_while_its_zygotes_stand_still",
        suite=ENDLESS,
        expected={},
        exit=-9,
        is_reported=False,
        blows=(
            Blow("running", "zygote", signal.SIGSTOP),
            Blow("running", "spare", signal.SIGSTOP),
            Blow("running", "controller", signal.SIGKILL),
        ),
        workers=(2,),
        fork_only=ZYGOTE,
    ),
    _interrupted("ctrl_c_and_tests_finish", signal.SIGINT, "group", spawned=(1, 2, 8)),
    _interrupted("sigterm_and_tests_finish", signal.SIGTERM, "controller"),
    _interrupted("sighup_and_tests_finish", signal.SIGHUP, "group"),
    Fault(
        # A shell passes on what the system has sent already.
        name="sighup_twice_is_sighup_once",
        suite=_LONG,
        expected=_SOME,
        others="passed|not_run",
        exit=2,
        blows=(
            Blow("running", "group", signal.SIGHUP, 0.0),
            Blow("running", "group", signal.SIGHUP, 0.0),
        ),
        texts=("interrupted, no further test starts", " [1-9] passed"),
        workers=(2,),
    ),
    Fault(
        name="ctrl_c_twice",
        suite=ENDLESS,
        expected=_NONE,
        others="passed|not_run",
        exit=2,
        blows=(
            Blow("running", "group", signal.SIGINT),
            Blow("running", "group", signal.SIGINT, 0.5),
        ),
        texts=("interrupted again, ending every worker now",),
    ),
    Fault(
        name="ctrl_c_and_tests_do_not_finish",
        suite=ENDLESS,
        expected=_NONE,
        others="passed|not_run",
        exit=2,
        blows=(Blow("running", "group", signal.SIGINT),),
        texts=("KeyboardInterrupt",),
        workers=(2,),
        is_slow=True,
    ),
    Fault(
        name="ctrl_c_and_tests_ignore_it",
        suite=_STUBBORN,
        fork_only="ctrl_c_and_tests_do_not_finish and ignores_sigterm show it on spawned ones",
        expected=_NONE,
        others="passed|not_run",
        exit=2,
        blows=(Blow("running", "group", signal.SIGINT),),
        workers=(2,),
        is_slow=True,
    ),
    Fault(
        name="ctrl_z_and_fg",
        suite=_LONG,
        expected=_PASSED,
        exit=0,
        options=("--test-timeout=2", "--timeout=30"),
        blows=(
            Blow("running", "controller", signal.SIGTSTP),
            Blow("running", "controller", signal.SIGCONT, 5.0),
        ),
        workers=(2,),
        is_slow=True,
    ),
)
