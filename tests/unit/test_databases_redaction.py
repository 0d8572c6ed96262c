"""No password is left in what somebody else wrote."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_concurrent.databases.redaction import redacted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://shop:hunter2@db/shop", "postgresql://shop:***@db/shop"),
        ("mysql+pymysql://:p@db", "mysql+pymysql://:***@db"),
        ("host=db password=hunter2 user=shop", "host=db password=*** user=shop"),
        ("PASSWORD = 'two words'", "PASSWORD = ***"),
        ("http://example.org:80/a@b", "http://example.org:80/a@b"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_password_in_a_known_place_is_taken_out(text: str, expected: str) -> None:
    assert redacted(text) == expected


@given(password=st.text(min_size=4, max_size=20), before=st.text(max_size=20))
def test_known_password_is_taken_out_anywhere(password: str, before: str) -> None:
    text = redacted(f"{before} {quote(password, safe='')} {password}", password)
    assert password not in text.replace("***", "") or password in before
