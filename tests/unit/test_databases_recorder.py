"""What a build reads is noted, and nothing else is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, os, sys
from pytest_concurrent.databases.recorder import Recorder

root, ignored, *paths = sys.argv[1:]
sys.path[:0] = paths or [root]
recorder = Recorder(root, ignored)
open(f"{root}/rows.json").close()
os.close(os.open(f"{root}/raw.sql", os.O_RDONLY))
open(f"{root}/written.log", "w").close()
open(f"{root}/written.log").close()
open(f"{root}/moved.new", "w").close()
os.replace(f"{root}/moved.new", f"{root}/moved.log")
open(f"{root}/moved.log").close()
open(f"{ignored}/cache.json").close()
open("/proc/self/status").close()
os.listdir(f"{root}/sql")
list(os.scandir(f"{root}/more"))
os.listdir(ignored)
os.listdir(root)
for missing in ("missing", "real.sqlite3-journal"):
    try:
        open(f"{root}/{missing}")
    except OSError:
        pass
import imported
found = recorder.stop()
open(f"{root}/later.json").close()
print(json.dumps([found, recorder.stop()]))
"""


SEEN = ["imported.py", "missing", "more", "raw.sql", "rows.json", "sql"]


def recorded(root: Path, *paths: Path, below: Path | None = None) -> list[str]:
    ignored = root / "cache"
    ignored.mkdir(exist_ok=True)
    for name in ("sql", "more", "unseen"):
        (root / name).mkdir(exist_ok=True)
    for name in ("rows.json", "raw.sql", "later.json", "cache/cache.json"):
        (root / name).touch()
    if not paths:
        (root / "imported.py").write_text("VALUE = 1\n")
    script = root.parent / "script.py"
    script.write_text(SCRIPT)
    output = subprocess.run(
        [sys.executable, str(script), str(root), str(ignored), *map(str, paths)],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ""},
    ).stdout
    found, later = json.loads(output)
    assert found == later
    return sorted(Path(path).name for path in found if Path(path).is_relative_to(below or root))


def test_what_is_read_imported_or_listed_is_noted(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    assert recorded(root) == SEEN


def test_source_of_a_cached_module_is_noted(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    recorded(root)
    assert list(root.glob("__pycache__/imported.*.pyc"))
    assert recorded(root) == SEEN


def test_root_folder_below_the_project_counts_what_is_beside_it(tmp_path: Path) -> None:
    root, beside = tmp_path / "project" / "tests", tmp_path / "project" / "app"
    root.mkdir(parents=True)
    beside.mkdir()
    (beside / "imported.py").write_text("import os\nos.listdir(os.path.dirname(__file__))\n")
    recorded_there = recorded(root, root.parent, beside, below=root.parent)
    assert {"app", "imported.py"} < set(recorded_there)
