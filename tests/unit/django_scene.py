"""A small Django project, and sessions of it that behave as one worker (see `django_worker`)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

SETTINGS = """
SECRET_KEY = "x"
USE_TZ = True
INSTALLED_APPS = [f"django.contrib.{app}" for app in ("contenttypes", "auth", "sites")]
INSTALLED_APPS += ["shop"]
SITE_ID = 1
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "real.sqlite3"}}
"""

MODELS = """
from django.db import models

class Fruit(models.Model):
    name = models.CharField(max_length=20, unique=True)
"""

MIGRATION = """
from django.db import migrations, models

def fill(apps, editor):
    fruit = apps.get_model("shop", "Fruit")
    fruit.objects.using(editor.connection.alias).create(name="apple")

class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel("Fruit", [
            ("id", models.BigAutoField(primary_key=True)),
            ("name", models.CharField(max_length=20, unique=True)),
        ]),
        migrations.RunPython(fill),
    ]
"""


class Result:
    """How a session ended, and what it asked the keeper."""

    def __init__(self, folder: Path, process: subprocess.CompletedProcess[str]) -> None:
        self.text = process.stdout + process.stderr
        self.status = process.returncode
        log = folder / "requests.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        self.requests: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def asked(self, op: str) -> int:
        return sum(request["op"] == op for request in self.requests)


class Project:
    """The project: one app, whose migration makes one row.

    Args:
        folder: Where it is made.
        tests: The test module.
    """

    def __init__(self, folder: Path, tests: str) -> None:
        self.folder = folder
        self.write("shop/__init__.py", "")
        self.write("shop/migrations/__init__.py", "")
        self.write("project_settings.py", SETTINGS)
        self.write("shop/models.py", MODELS)
        self.write("shop/migrations/0001_initial.py", MIGRATION)
        self.write("test_shop.py", tests)
        ini = "[pytest]\nDJANGO_SETTINGS_MODULE = project_settings\npythonpath = .\n"
        self.write("pytest.ini", ini)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def configure(self, more: str) -> None:
        """Add lines to the settings."""
        with (self.folder / "project_settings.py").open("a") as file:
            file.write(more + "\n")

    def put_into_file(self) -> None:
        self.configure("DATABASES['default']['TEST'] = {'NAME': 'in_file.sqlite3'}")

    def run(self, *arguments: str, **environment: str) -> Result:
        command = [sys.executable, "-m", "pytest", "-p", "django_worker", "--no-header", "-rA"]
        clean = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(HERE), "HOME": str(self.folder)}
        process = subprocess.run(
            [*command, "-p", "no:cacheprovider", *arguments],
            cwd=self.folder,
            env={**clean, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Result(self.folder, process)
