"""pytest-randomly in spawned workers.

Its worker takes the seed from `workerinput`, where its controller puts it only if pytest-xdist is
loaded. A forked worker inherits it.
"""

from __future__ import annotations

from typing import Any

import pytest


def input_of_worker(config: pytest.Config) -> dict[str, Any]:
    """In the controller: what pytest-randomly looks for in `workerinput` of a spawned worker."""
    seed = getattr(config.option, "randomly_seed", None)
    return {} if seed is None else {"randomly_seed": seed}
