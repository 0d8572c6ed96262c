"""The options about the number of workers, and when one takes another's place; one row each."""

from __future__ import annotations

from typing import Any

from pytest_concurrent import values
from pytest_concurrent.option import Option

MAX_WORKER_RESTARTS: Option[int | None] = Option(
    word="max-worker-restarts",
    field="max_worker_restarts",
    kind=values.RESTARTS,
    default=None,
    help="How many dead workers are replaced before the run ends.",
    shown_default="4 for each worker",
    metavar="N",
)
MAX_RETRIES: Option[int] = Option(
    word="max-retries",
    field="max_retries",
    kind=values.RESTARTS,
    default=3,
    help="How often in a row a worker is tried again that does not start, or that is killed from "
    "outside while it runs no test, and how often a database is cloned or restored again where "
    "others are in the way. A database server that is away is waited for, for 30 seconds and "
    "however often that is, unless this is 0. A failing test is never run again.",
    shown_default="3",
    metavar="N",
    variables=("DJANGO_TEST_MAX_RETRIES",),
)
RETRY_DELAY: Option[float] = Option(
    word="retry-delay",
    field="retry_delay",
    kind=values.PAUSE,
    default=1.0,
    help="Pause before the first of these retries; doubled before each further one, and shortened "
    "by up to a half at random. Does not count while a database server is away.",
    shown_default="1",
    metavar="SEC",
    unit="seconds",
    variables=("DJANGO_TEST_RETRY_DELAY",),
)
SCALE: Option[bool] = Option(
    word="scale",
    field="scale",
    kind=values.FLAG,
    default=False,
    help="Let the number of workers move with the load: more while processors idle and tests "
    "wait, fewer when memory or processors run short.",
    shown_default="off",
    variables=("DJANGO_TEST_DYNAMIC_SCALING",),
)
MIN_WORKERS: Option[int] = Option(
    word="min-workers",
    field="min_workers",
    kind=values.BOUND,
    default=2,
    help="Bound of --concurrent-scale and, where it is given, of --workers=auto.",
    shown_default="2",
    metavar="N",
    variables=("DJANGO_TEST_MIN_WORKERS",),
)
MAX_WORKERS: Option[int] = Option(
    word="max-workers",
    field="max_workers",
    kind=values.BOUND,
    default=16,
    help="Bound of --concurrent-scale and, where it is given, of --workers=auto.",
    shown_default="16",
    metavar="N",
    variables=("DJANGO_TEST_MAX_WORKERS",),
)
RECYCLE_AFTER: Option[int | None] = Option(
    word="recycle-after",
    field="recycle_after",
    kind=values.COUNT,
    default=None,
    help="Let a fresh worker take the place of one that has run so many tests, once its group "
    "is done.",
    shown_default="off",
    metavar="N",
)
MEMORY_LIMIT: Option[int | None] = Option(
    word="memory-limit",
    field="memory_limit",
    kind=values.SIZE,
    default=None,
    help="Let a fresh worker take the place of one that has grown larger than this, once its "
    "group is done. What it shares with other processes does not count.",
    shown_default="off",
    metavar="SIZE",
)
KEEP_CHILDREN: Option[tuple[str, ...]] = Option(
    word="keep-children",
    field="keep_children",
    kind=values.NAMES,
    default=(),
    help="Processes that tests leave behind are ended with the run, but not those whose command "
    "line holds one of these; * stands for anything.",
    shown_default="none",
    ini_only=True,
)

PRELOAD: Option[tuple[str, ...]] = Option(
    word="preload",
    field="preload",
    kind=values.MODULES,
    default=(),
    help="Modules that are imported once, after collection, for all forked workers to share, "
    "instead of in each worker when its first test imports them.",
    shown_default="none",
    ini_only=True,
)

OPTIONS: tuple[Option[Any], ...] = (
    MAX_WORKER_RESTARTS,
    MAX_RETRIES,
    RETRY_DELAY,
    SCALE,
    MIN_WORKERS,
    MAX_WORKERS,
    RECYCLE_AFTER,
    MEMORY_LIMIT,
    KEEP_CHILDREN,
    PRELOAD,
)
