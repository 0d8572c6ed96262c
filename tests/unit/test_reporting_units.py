from __future__ import annotations

import pytest

from pytest_concurrent.reporting.units import age, counted, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.012, "12 ms"),
        (0.9999, "1.0 s"),
        (41.23, "41.2 s"),
        (59.96, "1 min 00 s"),
        (125.4, "2 min 05 s"),
        (3725.0, "1 h 02 min"),
    ],
)
def test_duration_changes_unit_with_size(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0s"), (1.23, "1.2s"), (59.96, "1:00"), (125.0, "2:05"), (3725.0, "1:02:05")],
)
def test_age_reads_like_a_clock(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_one_has_no_plural() -> None:
    assert [counted(1, "worker"), counted(6895, "test")] == ["1 worker", "6,895 tests"]
