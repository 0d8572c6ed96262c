"""The stub file says what the compiled module has, no more and no less."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .sources import ROOT, text

ENGINE = "pytest_concurrent._engine"
STUB = Path("pytest_concurrent", "_engine.pyi")
WITHOUT_MYPY = importlib.util.find_spec("mypy") is None and not os.environ.get("CI")


def test_stub_names_what_the_module_has() -> None:
    module = importlib.import_module(ENGINE)
    named = {getattr(node, "name", None) for node in ast.parse(text(STUB)).body}
    assert {name for name in vars(module) if not name.startswith("_")} <= named


@pytest.mark.skipif(WITHOUT_MYPY, reason="needs mypy: pip install --group check")
def test_stubs_equal_the_module() -> None:
    compared = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", ENGINE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert compared.returncode == 0, compared.stdout + compared.stderr
