"""The options about databases, one row each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_concurrent import values
from pytest_concurrent.option import Option

DB: Option[str] = Option(
    word="db",
    field="db",
    kind=values.one_of("auto", "clone", "fresh", "off"),
    default="auto",
    help="Where a worker's databases come from. auto: clones of a template where we know how, "
    "else the way Django does it; clone: clones or an error; fresh: as auto, and each "
    "transactional test gets a clone of its own instead of a flush; off: hands off.",
    shown_default="auto",
    metavar="HOW",
    sequential=True,
)
DB_REBUILD: Option[bool] = Option(
    word="db-rebuild",
    field="db_rebuild",
    kind=values.FLAG,
    default=False,
    help="Build the templates anew, whatever is there.",
    shown_default="off",
    opposites=("DJANGO_TEST_TEMPLATE_CACHE",),
    sequential=True,
)
DB_CACHE: Option[Path | None] = Option(
    word="db-cache",
    field="db_cache",
    kind=values.FOLDER,
    default=None,
    help="Keep each template as a file in this folder too, and fill servers that have none from "
    "there.",
    shown_default="off",
    metavar="DIR",
    sequential=True,
)
DB_CLEAN: Option[bool] = Option(
    word="db-clean",
    field="db_clean",
    kind=values.FLAG,
    default=False,
    help="Instead of running tests: show which databases of ours are on the servers and why each "
    "may go, and drop those after a yes.",
    shown_default="off",
    sequential=True,
)
DB_MAX_OPERATIONS: Option[int] = Option(
    word="db-max-operations",
    field="db_max_operations",
    kind=values.COUNT,
    default=1000,
    help="A connection is opened anew after so many queries, between tests.",
    shown_default="1000",
    metavar="N",
    variables=("DJANGO_TEST_MAX_OPERATIONS",),
)
DB_HEALTH_INTERVAL: Option[float] = Option(
    word="db-health-interval",
    field="db_health_interval",
    kind=values.SECONDS,
    default=60.0,
    help="A connection that was not looked at for so long is checked before it is used.",
    shown_default="60",
    metavar="SEC",
    unit="seconds",
    variables=("DJANGO_TEST_HEALTH_CHECK_INTERVAL",),
)
DB_KEEP_TEMPLATES: Option[int] = Option(
    word="db-keep-templates",
    field="db_keep_templates",
    kind=values.COUNT,
    default=5,
    help="So many templates of a project are kept however long nobody used them.",
    shown_default="5",
    ini_only=True,
    sequential=True,
)
DB_KEEP_DAYS: Option[int] = Option(
    word="db-keep-days",
    field="db_keep_days",
    kind=values.COUNT,
    default=14,
    help="Further templates are dropped when nobody used them for so many days.",
    shown_default="14",
    unit="days",
    ini_only=True,
    sequential=True,
)
ALLOW_DATABASES: Option[tuple[str, ...]] = Option(
    word="allow-databases",
    field="allow_databases",
    kind=values.NAMES,
    default=(),
    help="Names of databases that may be opened although they look like production.",
    shown_default="none",
    ini_only=True,
    django=("ALLOW_DATABASES",),
    sequential=True,
)
DATABASE: Option[str] = Option(
    word="database",
    field="database",
    kind=values.TEXT,
    default="",
    help="URL of the server that the fixture concurrent_database is to be made on, for suites "
    "without Django: postgresql://, mysql://, mariadb:// or sqlite://.",
    shown_default="none",
    ini_only=True,
    sequential=True,
)
DATABASE_SETUP: Option[str] = Option(
    word="database-setup",
    field="database_setup",
    kind=values.TEXT,
    default="",
    help="module:callable, called once with the URL of an empty database to make the template.",
    shown_default="none",
    ini_only=True,
    sequential=True,
)
DATABASE_INPUTS: Option[tuple[str, ...]] = Option(
    word="database-inputs",
    field="database_inputs",
    kind=values.NAMES,
    default=(),
    help="Globs of files, relative to the root folder, that the template depends on.",
    shown_default="none",
    ini_only=True,
    sequential=True,
)

OPTIONS: tuple[Option[Any], ...] = (
    DB,
    DB_REBUILD,
    DB_CACHE,
    DB_CLEAN,
    DB_MAX_OPERATIONS,
    DB_HEALTH_INTERVAL,
    DB_KEEP_TEMPLATES,
    DB_KEEP_DAYS,
    ALLOW_DATABASES,
    DATABASE,
    DATABASE_SETUP,
    DATABASE_INPUTS,
)
