"""How a run is to be done, as the supervisor reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Terms:
    """The terms of one run. All times are seconds; None = no limit.

    Attributes:
        workers: Number of slots.
        workers_reason: Why so many.
        start_method: How they start: ``fork`` or ``spawn``.
        max_failures: After so many failures no further test starts.
        max_restarts: Workers that may be replaced over the whole run.
        max_retries: How often in a row a worker that cannot be had is tried again.
        retry_delay: Seconds before the first of these retries.
        recycle_after: Tests after which a worker makes room for a fresh one; None = never.
        memory_limit: Bytes of its own beyond which it does; None = none.
        scaling: How many workers start, and how many remain at least; None = always all.
        keep_children: Patterns of command lines of processes that may outlive the run.
        test_limit: Limit of one test.
        worker_limit: Limit of a worker's start and end.
        run_limit: Limit of the run, counted from its beginning.
        slow: A test that runs longer is named.
        elapsed: For how long the run has lasted already.
        given_order: Whether tests keep the order of collection.
        asks: Whether a plugin may want a test to run again whose worker died with it.
        run_id: The run's id.
        versions: Versions of what runs, by name.
        keep_records: Whether the event stream is kept for a report.
        events: Descriptor of the file that takes the event stream; it is taken over.
        secrets: What must not stand in that stream.
    """

    workers: int
    workers_reason: str
    start_method: str
    max_failures: int | None
    max_restarts: int
    max_retries: int
    retry_delay: float
    recycle_after: int | None
    memory_limit: int | None
    scaling: tuple[int, int] | None
    keep_children: list[str]
    test_limit: float | None
    worker_limit: float
    run_limit: float | None
    slow: float
    elapsed: float
    given_order: bool
    asks: bool
    run_id: str
    versions: dict[str, str]
    keep_records: bool
    events: int | None
    secrets: list[str]
