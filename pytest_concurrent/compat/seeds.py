"""Whether somebody seeded a global random generator before the workers were forked.

A seeded state is part of what the suite asks for, and every worker is to begin with it. An unseeded
one must differ between workers, or they would make the same "random" names and ports.
"""

from __future__ import annotations

import random
import sys
from typing import Any

_seeded = False
_original: Any = None


def watch() -> None:
    """Notice calls of `random.seed` from now on. Calling it again changes nothing."""
    global _original, _seeded  # noqa: PLW0603 - the generator watched is global too
    if _original is not None:
        return
    _seeded = False
    # Whoever imported the name keeps the wrapper for ever: it must not need what `unwatch` clears.
    original = _original = random.seed

    def seed(*args: Any, **kwargs: Any) -> None:
        global _seeded  # noqa: PLW0603
        _seeded = True
        original(*args, **kwargs)

    random.seed = seed


def unwatch() -> None:
    """Put `random.seed` back."""
    global _original  # noqa: PLW0603
    if _original is not None:
        random.seed = _original
        _original = None


def random_was_seeded() -> bool:
    """Whether `random.seed` was called while watched."""
    return _seeded


def numpy_was_seeded() -> bool:
    """Whether numpy's global generator was seeded; it tells by having forgotten its own seed."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is None:
        return False
    generator = getattr(getattr(numpy_random.mtrand, "_rand", None), "_bit_generator", None)
    return generator is not None and getattr(generator, "_seed_seq", generator) is None
