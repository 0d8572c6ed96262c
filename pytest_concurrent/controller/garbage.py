"""The garbage collector while the controller only adds objects."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager

#: Objects between two looks. While tests are collected and results kept, objects are only ever
#: added, and looking through them again and again finds nothing: it costs 0.1 of 0.7 s of
#: collection at 10,000 tests, and 0.8 s at networkx with its imports.
_THRESHOLD = 1_000_000


@contextmanager
def patient_gc(*, enabled: bool) -> Generator[None]:
    """While inside, the collector looks less often; what was made meanwhile it never looks at.

    Without that it would look at everything at once as soon as this ends (0.1 s at 10,000 tests).

    Args:
        enabled: Nothing changes if not (ini `concurrent_gc_tuning`).
    """
    thresholds = gc.get_threshold()
    if enabled:
        gc.set_threshold(_THRESHOLD, *thresholds[1:])
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
        gc.set_threshold(*thresholds)
