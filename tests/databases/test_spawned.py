"""Workers that are processes of their own get clones of one template, whoever has to build it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .engines import Engine
from .scene import (
    CONCURRENT,
    VERDICTS,
    Small,
    clones_and_builds,
    forget,
    kill,
    members,
    templates,
    wait_until,
)

#: A process with threads is not forked, neither for workers nor for what builds templates.
_THREAD = """
import threading
threading.Thread(target=threading.Event().wait, daemon=True, name="poller").start()
"""


@pytest.fixture
def small(engine: Engine, tmp_path: Path) -> Iterator[Small]:
    small = Small(tmp_path / "project", engine)
    small.write("conftest.py", _THREAD)
    yield small
    small.close()
    if engine.server is not None:
        forget(engine.server)


def test_template_is_built_where_threads_are_alive(small: Small, engine: Engine) -> None:
    for how, said in (("auto", "is being built (it is the first)"), ("spawn", "template found")):
        result = small.run(*CONCURRENT, f"--concurrent-start={how}")
        assert (result.code, result.counts) == (0, VERDICTS), result.output
        assert "spawn (" in result.output
        assert said in result.output, result.output
    if engine.server is not None:
        assert clones_and_builds(engine.server) == []
        assert len(templates(engine.server)) == 1


in_memory = pytest.mark.parametrize("engine", ["sqlite-memory"], indirect=True)


@in_memory
def test_doctor_says_that_it_would_be_built(small: Small) -> None:
    result = small.run("--concurrent-doctor", *CONCURRENT)
    said = " ".join(result.output.split())
    assert "miss: the template would be built (it is the first)" in said, said
    assert "would run on 2 workers, spawned" in said


@in_memory
@pytest.mark.parametrize(
    ("fails", "told"),
    [
        ("raise RuntimeError('no items today')", "RuntimeError: no items today"),
        ("print('last words', flush=True); import os; os._exit(7)", "exit status 7"),
    ],
    ids=["raises", "exits"],
)
def test_failed_build_is_an_error_of_who_needs_it(small: Small, fails: str, told: str) -> None:
    small.write("box/seeding.py", f"def names():\n    {fails}\n")
    result = small.run(*CONCURRENT)
    assert result.counts == {"error": 8, "passed": 1}
    assert told in result.output
    assert ("last words" in result.output) == ("exit" in told)


@in_memory
def test_maker_that_cannot_collect_says_why(small: Small) -> None:
    place = "os.environ.get('PYTEST_XDIST_WORKER') == 'gw2'"
    small.write("conftest.py", f"{_THREAD}import os\nassert not {place}, 'no place'\n")
    result = small.run(*CONCURRENT)
    assert result.counts == {"error": 8, "passed": 1}
    assert "no place" in result.output


@in_memory
def test_settings_that_differ_in_the_maker_leave_databases_to_django(small: Small) -> None:
    here = "os.environ.get('PYTEST_XDIST_WORKER') == 'gw2'"
    more = f"import os\nTIME_ZONE = 'Asia/Tokyo' if {here} else 'Europe/Rome'\n"
    small.write("shop/small.py", (small.path / "shop/small.py").read_text() + more)
    result = small.run(*CONCURRENT, "--concurrent-start=spawn", "-k", "not commit")
    assert result.counts == {"passed": 7}
    assert "template built" not in result.output


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_killed_controller_takes_builder_and_maker_along(small: Small, engine: Engine) -> None:
    small.hold("build")
    running = small.start(*CONCURRENT)
    small.await_held("build", running)
    kill(running)
    wait_until(lambda: members(running.process.pid) == [])
    small.let_go("build")
    assert small.run(*CONCURRENT).counts == VERDICTS
    assert engine.server is not None
    assert clones_and_builds(engine.server) == []
