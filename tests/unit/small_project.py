"""A small Django project in a folder, questioned in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_FILES = {
    "settings.py": """
        import json, os
        SECRET_KEY = "x"
        INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "shop", "plain"]
        USE_TZ = True
        DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
        DATABASES = {
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "real.sqlite3"},
            "other": {"ENGINE": "django.db.backends.sqlite3", "NAME": "other.sqlite3"},
        }
        for name, value in json.loads(os.environ.get("SETTINGS", "{}")).items():
            globals()[name] = value
    """,
    "shop/__init__.py": "",
    "shop/names.py": "NAMES = ['tea', 'milk']",
    "shop/views.py": "pass",
    "shop/models.py": """
        from django.db import models
        class Product(models.Model):
            name = models.CharField(max_length=10)
    """,
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_initial.py": """
        from django.db import migrations, models
        class Migration(migrations.Migration):
            operations = [
                migrations.CreateModel("Product", [
                    ("id", models.BigAutoField(primary_key=True)),
                    ("name", models.CharField(max_length=10)),
                ]),
            ]
    """,
    "shop/migrations/0002_products.py": """
        from django.db import migrations
        def fill(apps, schema_editor):
            from shop.names import NAMES
            products = apps.get_model("shop", "Product").objects
            for name in NAMES:
                products.using(schema_editor.connection.alias).create(name=name)
            print("filled")
        class Migration(migrations.Migration):
            dependencies = [("shop", "0001_initial")]
            operations = [migrations.RunPython(fill)]
    """,
    "plain/__init__.py": "",
    "plain/models.py": """
        from django.db import models
        class Thing(models.Model):
            name = models.CharField(max_length=10)
    """,
}

_BEGIN = """
import json, os, pathlib, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
import django
django.setup()
from django.conf import settings
from django.db import connections
from pytest_concurrent.django import checks, effective
from pytest_concurrent.django.recipe import Places, recipes

class Config:
    def getoption(self, name, default=None):
        return name in sys.argv or default
    def getini(self, name):
        raise ValueError(name)

here = pathlib.Path.cwd()
places = Places("shop", here, here / "templates", here / "clones")
def select(*aliases, serialized=()):
    return recipes(Config(), aliases or {"default"}, serialized, places)
def recipe(alias="default"):
    return select(alias).recipes[0]
"""


class Project:
    """The project.

    Args:
        folder: Where it is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write(_FILES)

    def write(self, files: dict[str, str]) -> None:
        """Write files, by their paths; common indentation is taken away."""
        for name, source in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = source.strip("\n").splitlines() or [""]
            indent = len(lines[0]) - len(lines[0].lstrip())
            path.write_text("\n".join(line[indent:] for line in lines) + "\n")

    def ask(self, code: str, *options: str, **settings: Any) -> Any:
        """Run code that sets `answer`, in a new process with Django set up.

        Args:
            code: Python; `recipe(alias)` and `select(*aliases)` are at hand.
            options: Options of pytest that are on.
            settings: Settings in place of those of the file.
        """
        end = "\nsys.__stdout__.write('\\n' + json.dumps(answer))"
        finished = subprocess.run(
            [sys.executable, "-c", _BEGIN + code + end, *options],
            cwd=self.folder,
            env={**os.environ, "SETTINGS": json.dumps(settings), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout.splitlines()[-1])
