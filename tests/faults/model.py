"""Ways in which a run can go wrong, and what must come of each.

A row is a suite, what is done to it from outside, and the verdicts. `test_faults.py` runs every
row on workers that are forked and on workers that are spawned, except for those that say why they
are about one of these alone, and checks besides, for all of them: one verdict for each test in the
terminal's totals, in JUnit and in the events; no process and no file left; and that the next run
works.
"""

from __future__ import annotations

from .blows import BLOWS
from .collecting import COLLECTING
from .deaths import DEATHS
from .fault import Fault
from .hangs import HANGS
from .mischief import MISCHIEF
from .moments import MOMENTS
from .phases import PHASES
from .stops import STOPS
from .zygotes import ZYGOTES

FAULTS: tuple[Fault, ...] = (
    *COLLECTING,
    *MOMENTS,
    *DEATHS,
    *HANGS,
    *MISCHIEF,
    *BLOWS,
    *ZYGOTES,
    *PHASES,
    *STOPS,
)
