"""Taking passwords out of texts that somebody else wrote."""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus

_SHOWN = "***"

#: The part of a URL between user and host: ``://user:password@``.
_IN_URL = re.compile(r"(://[^\s:/@]*):[^\s/@]+@")

#: As in libpq's connection strings.
_IN_DSN = re.compile(r"(password\s*=\s*)('[^']*'|[^\s'\"]+)", re.IGNORECASE)


def redacted(text: str, password: str = "") -> str:
    """The text without passwords.

    Args:
        text: A traceback or what a program printed.
        password: One that is known; it is found as it is and as URLs write it.
    """
    for known in {password, quote(password, safe=""), quote_plus(password)} - {""}:
        text = text.replace(known, _SHOWN)
    return _IN_DSN.sub(rf"\1{_SHOWN}", _IN_URL.sub(rf"\1:{_SHOWN}@", text))
