"""A project that is smaller than the shop, and what a server itself says of our databases."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .engines import Engine
from .projects import Project, Running
from .servers import Server

#: Seconds within which what a test waits for has happened; 2 were measured on a busy machine.
PATIENCE = 60.0
#: What every run of ours is told.
CONCURRENT = ("--concurrent", "--concurrent-workers=2", "-v", "-p", "no:xdist", "-p", "no:cov")
#: Where the small project keeps the files by which a test and a run wait for each other.
_SIGNS = "signs"

_FILES = {
    "shop/small.py": """
        from shop.settings import *
        from shop.settings import DATABASES
        DATABASES = {"default": {**DATABASES["default"], "TEST": {}}}
        DATABASE_ROUTERS = []
        INSTALLED_APPS = ["box"]
        MIDDLEWARE = []
        """,
    "pytest.ini": """
        [pytest]
        DJANGO_SETTINGS_MODULE = shop.small
        pythonpath = .
        testpaths = box/tests
        """,
    "box/__init__.py": "",
    "box/models.py": """
        from django.db import models

        class Item(models.Model):
            name = models.CharField(max_length=80, unique=True)
        """,
    "box/views.py": """
        def first(request):
            return 1
        """,
    "box/items.txt": "lamp\nrope\nÆble\n",
    "box/waiting.py": f"""
        import time
        from pathlib import Path

        SIGNS = Path(__file__).parents[1] / "{_SIGNS}"

        def wait_for(sign):
            until = time.monotonic() + {PATIENCE}
            while not (SIGNS / sign).exists():
                if time.monotonic() > until:
                    raise TimeoutError(sign)
                time.sleep(0.01)

        def point(stage):
            '''Where a run can be held.'''
            if (SIGNS / ("hold-" + stage)).exists():
                (SIGNS / ("reached-" + stage)).touch()
                wait_for("go-" + stage)
        """,
    "box/seeding.py": """
        from pathlib import Path
        from box.waiting import point

        def names():
            point("build")
            with open(Path(__file__).with_name("items.txt"), encoding="utf-8") as file:
                return [line.strip() for line in file]
        """,
    "box/migrations/__init__.py": "",
    "box/migrations/0001_initial.py": """
        from django.db import migrations, models

        class Migration(migrations.Migration):
            initial = True
            operations = [migrations.CreateModel("Item", [
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=80, unique=True)),
            ])]
        """,
    "box/migrations/0002_items.py": """
        from django.db import migrations
        from box.seeding import names

        def fill(apps, schema_editor):
            Item = apps.get_model("box", "Item")
            Item.objects.bulk_create(Item(name=name) for name in names())

        class Migration(migrations.Migration):
            dependencies = [("box", "0001_initial")]
            operations = [migrations.RunPython(fill)]
        """,
    "box/tests/__init__.py": "",
    "box/tests/test_box.py": """
        import pytest
        from box.models import Item
        from box.waiting import point

        @pytest.mark.django_db
        @pytest.mark.parametrize("number", range(6))
        def test_rows_of_the_migration(number):
            point("run")
            assert sorted(Item.objects.values_list("name", flat=True)) == ["lamp", "rope", "Æble"]
            Item.objects.all().delete()

        @pytest.mark.django_db(transaction=True)
        @pytest.mark.parametrize("number", range(2))
        def test_commit(number):
            Item.objects.create(name="committed")

        def test_without_database():
            pass
        """,
}
#: What becomes of each test of the small project.
VERDICTS = {"passed": 9}

_OURS = re.compile(r"test_\w+_(?:t|c_[0-9a-f]{8})_[0-9a-f]{16}")


class Small(Project):
    """The small project: one database with one table, and points where a run can be held."""

    def __init__(self, path: Path, engine: Engine) -> None:
        super().__init__(path, engine.environment)
        for file, text in _FILES.items():
            self.write(file, unindented(text))
        (self.path / _SIGNS).mkdir()

    def hold(self, stage: str) -> None:
        """The next run is to stop at a stage: `build` or `run`."""
        self._sign("go", stage).unlink(missing_ok=True)
        self._sign("reached", stage).unlink(missing_ok=True)
        self._sign("hold", stage).touch()

    def await_held(self, stage: str, running: Running) -> None:
        """Wait until the run is there."""
        wait_until(
            lambda: self._sign("reached", stage).exists(),
            lambda: f"{stage} was not reached:\n{running.output}",
        )

    def let_go(self, stage: str) -> None:
        """Let the held run go on, and hold none any more."""
        self._sign("hold", stage).unlink(missing_ok=True)
        self._sign("go", stage).touch()

    def _sign(self, kind: str, stage: str) -> Path:
        return self.path / _SIGNS / f"{kind}-{stage}"


def unindented(text: str) -> str:
    """A file's text, written among other code."""
    lines = text.removeprefix("\n").splitlines()
    margin = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
    return "\n".join(line[margin:] for line in lines).rstrip(" ") + "\n" * bool(lines)


def wait_until(done: Callable[[], bool], otherwise: Callable[[], str] = str) -> None:
    """Wait for something that has to happen.

    Raises:
        AssertionError: It did not, within `PATIENCE`.
    """
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, otherwise()
        time.sleep(0.02)


@dataclass(frozen=True)
class Marked:
    """A database, and what is written on it.

    Attributes:
        name: Its name.
        mark: What is written there; empty = nothing that is JSON.
    """

    name: str
    mark: dict[str, Any]


def databases_of(server: Server) -> list[Marked]:
    """Every database that did not come with the server, by the server's own SQL."""
    if server.vendor == "postgresql":
        rows = server.execute(
            "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database "
            "WHERE oid >= 16384 ORDER BY 1"
        )
    else:
        listed = "', '".join(server.list_databases())
        rows = server.execute(
            "SELECT SCHEMA_NAME, SCHEMA_COMMENT FROM information_schema.SCHEMATA "
            f"WHERE SCHEMA_NAME IN ('{listed}') ORDER BY 1"
        )
    return [Marked(name, _mark(text)) for name, text in rows]


def _mark(text: str | None) -> dict[str, Any]:
    try:
        mark = json.loads(text or "")
    except ValueError:
        return {}
    return mark if isinstance(mark, dict) else {}


def clones_and_builds(server: Server) -> list[str]:
    """What of ours is there besides complete templates."""
    ours = [one for one in databases_of(server) if _OURS.fullmatch(one.name)]
    return [one.name for one in ours if one.mark.get("kind") != "template"]


def templates(server: Server) -> list[Marked]:
    """The complete templates."""
    return [one for one in databases_of(server) if one.mark.get("kind") == "template"]


@contextmanager
def foreign(server: Server) -> Iterator[set[str]]:
    """Databases of somebody else, some of them named like ours: all are there in the end."""
    names = {
        f"test_project_c_0123abcd_{secrets.token_hex(8)}": None,
        f"test_project_t_{secrets.token_hex(8)}": "the accountant's, do not touch",
        f"test_project_c_0123abce_{secrets.token_hex(8)}": _mark_of_another_database(),
        f"test_shop_{secrets.token_hex(4)}": None,
        f"test_box_gw0_{secrets.token_hex(4)}": "",
    }
    try:
        for name, comment in names.items():
            _make_foreign(server, name, comment)
        yield set(names)
        for name in names:
            assert server.execute("SELECT n FROM theirs", name) == [(7,)], name
    finally:
        for name in names:
            server.execute(f"DROP DATABASE IF EXISTS {name}")


def _make_foreign(server: Server, name: str, comment: str | None) -> None:
    # The same account as ours: ownership alone proves nothing.
    server.execute(f"CREATE DATABASE {name}", account=server.creator)
    server.execute("CREATE TABLE theirs (n int)", name, server.creator)
    server.execute("INSERT INTO theirs VALUES (7)", name, server.creator)
    if comment is not None:
        write_comment(server, name, comment)


def write_comment(server: Server, name: str, comment: str) -> None:
    """Write on a database, where we would write our mark."""
    escaped = comment.replace("'", "''")
    if server.vendor == "postgresql":
        server.execute(f"COMMENT ON DATABASE {name} IS '{escaped}'")
    else:
        server.execute(f"ALTER DATABASE {name} COMMENT '{escaped}'")


def _mark_of_another_database() -> str:
    """A mark that was copied by hand, together with a database: its id is that of the original."""
    mark = {"tool": "pytest-concurrent", "v": 1, "kind": "clone", "project": "project"}
    more = {"run": "00ff00ff00ff00ff", "key": "", "id": "1", "created": 1, "used": 1}
    return json.dumps({**mark, **more})


def forget(server: Server) -> None:
    """Drop what earlier tests left on a server that they share: templates."""
    for one in databases_of(server):
        if server.vendor == "postgresql":
            server.execute(f'ALTER DATABASE "{one.name}" ALLOW_CONNECTIONS true IS_TEMPLATE false')
            server.execute(f'DROP DATABASE "{one.name}" WITH (FORCE)')
        else:
            server.execute(f"DROP DATABASE `{one.name}`")


def members(session: int) -> list[int]:
    """Processes of a run that are alive: those of its session, whatever group they are in."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(after_name[3]) == session and after_name[0] not in "ZX":
            found.append(int(folder.name))
    return found


def kill(running: Running) -> None:
    """Kill the controller alone, as the kernel does when memory is short."""
    running.process.send_signal(signal.SIGKILL)
    running.process.wait()


def kill_all(running: Running) -> None:
    """Kill everything of a run at once, as a container that is removed does."""
    while pids := members(running.process.pid):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        running.process.poll()
