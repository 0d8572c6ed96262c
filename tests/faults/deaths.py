"""A worker dies."""

from __future__ import annotations

import signal

from .fault import DIE, Fault
from .scene import Blow

_ELSEWHERE = (
    Fault(
        name="dies_in_module_fixture",
        suite=f"""
            @pytest.fixture(scope="module")
            def deadly():
                if not (HERE / "died").exists():
                    (HERE / "died").touch()
                    {DIE}
            def test_first(deadly): pass
            def test_second(deadly): pass
        """,
        expected={"test_first": "crashed", "test_second": "passed"},
        texts=("during set-up of module fixture 'deadly'",),
        options=("--concurrent-group=file",),
    ),
    Fault(
        name="dies_in_session_teardown",
        suite="def test_last(): pass",
        conftest=f"""
            @pytest.fixture(scope="session")
            def deadly():
                yield
                {DIE}
            def pytest_collection_modifyitems(items):
                items.sort(key=lambda item: item.name == "test_last")
                items[-1].fixturenames.append("deadly")
        """,
        expected={"test_last": "passed|crashed"},
        texts=(r"died \(SIGKILL\)",),
    ),
    Fault(
        name="dies_in_exit_handler",
        suite="def test_last(): atexit.register(os._exit, 5)",
        expected={"test_last": "passed"},
        errors=1,
        texts=(r"worker gw\d died \(exit status 5\) while it tore down and left",),
    ),
    Fault(
        name="dies_at_worker_start_once",
        suite="def test_one(): pass",
        conftest=f"""
            def pytest_concurrent_worker_start(config, worker):
                try:
                    (HERE / "died").touch(exist_ok=False)
                except FileExistsError:
                    return
                {DIE}
        """,
        expected={"test_one": "passed"},
        errors=1,
        texts=(r"worker gw\d died \(SIGKILL\) before its first test",),
    ),
    Fault(
        name="dies_with_a_big_report",
        suite=f"""
            def test_prints():
                print("x" * 50_000_000)
                assert False
            def test_dies(): {DIE}
        """,
        expected={"test_prints": "failed", "test_dies": "crashed"},
        options=("--show-capture=no",),
    ),
    Fault(
        # The controller stands still, so the report fills the socket and the rest waits.
        name="dies_while_its_report_is_half_sent",
        suite=f"""
            def die_meanwhile():
                time.sleep(1)
                (HERE / "half_sent").touch()
                {DIE}
            def test_half_sent():
                os.kill(CONTROLLER, signal.SIGSTOP)
                threading.Thread(target=die_meanwhile, daemon=True).start()
                print("x" * 50_000_000)
                assert False
            def test_after(): pass
        """,
        expected={"test_half_sent": "crashed", "test_after": "passed"},
        options=("--show-capture=no",),
        blows=(Blow("half_sent", "controller", signal.SIGCONT),),
        texts=(r"worker gw\d died \(SIGKILL\)",),
        workers=(1, 2, 8),
    ),
    Fault(
        name="dies_while_printing",
        suite=f"""
            def test_prints():
                print("x" * 50_000_000 + " the end")
                sys.stdout.flush()
                {DIE}
        """,
        expected={"test_prints": "crashed"},
        texts=("xxx the end",),
    ),
)

_BETWEEN_TESTS = (
    Fault(
        name="a_thread_kills_later",
        suite=f"""
            def test_starts_thread():
                def kill():
                    time.sleep(0.15)
                    {DIE}
                threading.Thread(target=kill, daemon=True).start()
            @pytest.mark.parametrize("number", range(20))
            def test_goes_on(number): time.sleep(0.05)
        """,
        expected={
            "test_starts_thread": "passed",
            **{f"test_goes_on[{number}]": "passed|crashed" for number in range(20)},
        },
        others="passed|crashed",
        texts=(r"died \(SIGKILL\)",),
    ),
    Fault(
        name="dies_while_idle",
        suite=f"""
            @pytest.mark.concurrent_serial
            def test_starts_thread():
                def kill():
                    time.sleep(0.3)
                    {DIE}
                threading.Thread(target=kill, daemon=True).start()
            @pytest.mark.concurrent_serial
            def test_alone(): time.sleep(1)
        """,
        expected={"test_starts_thread": "passed", "test_alone": "passed|crashed"},
        others="passed|crashed",
        texts=(r"(died|outside of a test).*SIGKILL",),
        workers=(2,),
    ),
    Fault(
        name="replacements_die_again_and_again",
        suite=f"""
            @pytest.mark.parametrize("number", range(12))
            def test_dies(number): {DIE}
        """,
        expected={f"test_dies[{number}]": "crashed|not_run" for number in range(12)},
        options=("--concurrent-max-worker-restarts=3",),
        others="passed|not_run",
        texts=("too many workers died", "--concurrent-max-worker-restarts"),
        workers=(1, 2, 8),
    ),
    Fault(
        name="a_test_kills_three_workers",
        suite=f"""
            def test_dies(): {DIE}
            def test_after(): pass
        """,
        conftest="""
            deaths = []
            def pytest_handlecrashitem(crashitem, report, sched):
                deaths.append(crashitem)
                if len(deaths) < 3:
                    report.outcome = "rerun"
                    sched.mark_test_pending(crashitem)
        """,
        expected={"test_dies": "crashed", "test_after": "passed"},
        reruns=2,
        texts=(r"worker gw\d died \(SIGKILL\) during call", "2 rerun"),
        workers=(1, 2, 8),
    ),
    Fault(
        name="a_test_kills_more_workers_than_may_be_replaced",
        suite=f"""
            def test_dies(): {DIE}
        """,
        conftest="""
            def pytest_handlecrashitem(crashitem, report, sched):
                report.outcome = "rerun"
                sched.mark_test_pending(crashitem)
        """,
        expected={"test_dies": "crashed|not_run"},
        others="passed|not_run",
        options=("--concurrent-max-worker-restarts=2",),
        reruns=3,
        texts=("too many workers died", "--concurrent-max-worker-restarts"),
        workers=(1,),
        spawned=(1,),
    ),
    Fault(
        name="no_worker_ever_starts",
        suite="def test_one(): pass",
        conftest=f"def pytest_concurrent_worker_start(config, worker): {DIE}",
        expected={"test_one": "not_run"},
        others="not_run",
        options=("--concurrent-max-retries=1", "--concurrent-retry-delay=0.1"),
        errors=2,
        texts=("no worker could be had", "--concurrent-max-retries", "before its first test"),
        workers=(1,),
        spawned=(1,),
    ),
)

DEATHS: tuple[Fault, ...] = (*_ELSEWHERE, *_BETWEEN_TESTS)
