"""What says that databases are ones that people work with: the one place that knows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

#: How databases that people work with are called.
_PATTERNS = (
    *("prod_*", "production*", "live_*", "staging*"),
    *("*_prod", "*_production", "*_live", "*_staging"),
)


def looks_like_production(name: str, allowed: Sequence[str]) -> bool:
    """Whether a database of this name could be one that people work with.

    Args:
        name: Its name; of a file, the last part of its path.
        allowed: Names that are known not to be.
    """
    names = {name.lower(), name.lower().partition(".")[0]}
    if not names.isdisjoint(one.lower() for one in allowed):
        return False
    return any(fnmatchcase(one, pattern) for one in names for pattern in _PATTERNS)


def environment_refusal(environ: Mapping[str, str] = os.environ) -> str | None:
    """Why no database may be opened in this environment; None = one may."""
    if environ.get("DJANGO_ENV", "").strip().lower() == "production":
        return "DJANGO_ENV=production: tests do not open databases there; unset it for tests"
    return None
