"""A shop on any engine.

SHOP_DB_ENGINE: `sqlite3` (default), `postgresql` or `mysql`; SHOP_DB_NAME, _USER, _PASSWORD,
_HOST, _PORT as Django means them; SHOP_DB_OPTIONS in JSON; SHOP_DB_TEST_NAME for SQLite: a file
instead of memory (the ledger's is beside it).
"""

import json
import os
from pathlib import Path
from typing import Any

BASE_DIR = Path(__file__).resolve().parent.parent


def _database(name: str, **test: Any) -> dict[str, Any]:
    engine = os.environ.get("SHOP_DB_ENGINE", "sqlite3")
    file = os.environ.get("SHOP_DB_TEST_NAME", "")
    if engine == "sqlite3":
        name = str(BASE_DIR / f"{name}.sqlite3")
        if file:
            test["NAME"] = f"{file}.ledger" if "ledger" in name else file
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": name,
        "USER": os.environ.get("SHOP_DB_USER", ""),
        "PASSWORD": os.environ.get("SHOP_DB_PASSWORD", ""),
        "HOST": os.environ.get("SHOP_DB_HOST", ""),
        "PORT": os.environ.get("SHOP_DB_PORT", ""),
        "OPTIONS": json.loads(os.environ.get("SHOP_DB_OPTIONS", "{}")),
        "TEST": test,
    }


_NAME = os.environ.get("SHOP_DB_NAME", "shop")
DATABASES = {
    # Made after the default's database, although it is named first.
    "ledger": _database(f"{_NAME}_ledger", DEPENDENCIES=["default"]),
    "default": _database(_NAME),
    "replica": _database(_NAME, MIRROR="default"),
}
DATABASE_ROUTERS = ["shop.routers.LedgerRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "catalogue",
    "orders",
    "ledger",
    "notes",
]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
ROOT_URLCONF = "shop.urls"
SECRET_KEY = "of a shop that only tests visit"
ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
USE_TZ = True
STATIC_URL = "/static/"
