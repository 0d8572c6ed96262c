"""The soak in small: workers and zygotes are killed and stopped at random, and nothing is lost."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

CHAOS = Path(__file__).resolve().parents[2] / "benchmarks" / "chaos.py"


@pytest.mark.slow
def test_random_blows_lose_nothing(tmp_path: Path) -> None:
    """Some twenty seconds; the seed that it prints makes the same choices again."""
    words = ("--seconds=20", "--tests=1500", str(tmp_path / "soak"))
    command = [sys.executable, str(CHAOS), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert int(re.findall(r"^(\d+) runs; ", done.stdout, re.MULTILINE)[0]) >= 1
    assert re.search(r"kill (worker|controller) \d+ times", done.stdout)
    assert done.stdout.endswith("0 violations\n")
