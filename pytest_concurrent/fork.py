"""Forks that Python does not warn of."""

from __future__ import annotations

import os
import warnings


def fork() -> int:
    """Fork this process, as `os.fork` does, and say nothing of its threads.

    From Python 3.12 on a fork beside other threads is warned of. Who forks here has looked at the
    threads, or does so next and then asks for spawned workers, so the warning would only puzzle.

    Returns:
        0 in the child, its process id in the parent.

    Raises:
        OSError: The system refuses.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        return os.fork()
