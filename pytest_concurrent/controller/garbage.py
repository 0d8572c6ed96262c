"""The garbage collector while the controller only adds objects."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager

#: Objects between two looks. While tests are collected and results kept, objects are only ever
#: added, and looking through them again and again finds little: it costs 0.1 of 0.7 s of
#: collection at 10,000 tests, and 0.8 s at networkx with its imports. At 100,000 tests even four
#: looks at a million objects each cost 3.8 of 10.8 s; what they found was 210 MB of 940, which
#: workers share. So there is one look for each quarter of a million tests.
_THRESHOLD = 10_000_000


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
