"""Numbers as people read them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Give a duration in prose: ``12 ms``, ``41.2 s``, ``2 min 05 s``, ``1 h 02 min``."""
    whole = round(seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def age(seconds: float) -> str:
    """Give a duration as pytest does in its progress lines: ``1.2s``, ``2:05``, ``1:02:05``."""
    whole = round(seconds)
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def counted(count: int, noun: str) -> str:
    """Give a number with its noun: ``1 worker``, ``6,895 tests``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
