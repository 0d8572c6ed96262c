"""What is refused before a database is opened, sentence by sentence."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.db.utils import ConnectionHandler

from pytest_concurrent.django import checks

SQLITE = "django.db.backends.sqlite3"


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Any:
    def given(**databases: dict[str, Any]) -> None:
        entries = {alias: {"ENGINE": SQLITE, **entry} for alias, entry in databases.items()}
        monkeypatch.setattr(checks, "connections", ConnectionHandler(entries))

    return given


def test_production_environment_is_refused(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given(default={"NAME": "shop"})
    assert checks.refusal({"default"}, ()) is None
    monkeypatch.setenv("DJANGO_ENV", "production")
    assert "DJANGO_ENV=production" in (checks.refusal({"default"}, ()) or "")


@pytest.mark.parametrize(
    "name",
    [
        *("prod_shop", "production", "production2", "live_shop", "staging", "staging_shop"),
        *("shop_prod", "shop_production", "shop_live", "shop_staging", "Shop_PROD"),
    ],
)
def test_name_like_production_is_refused(given: Any, name: str) -> None:
    given(default={"NAME": "shop", "TEST": {"NAME": f"/data/{name}"}})
    said = checks.refusal({"default"}, ()) or ""
    assert name in said
    assert "TEST" in said


@pytest.mark.parametrize("name", ["test_shop", "product_test", "delivery", "reproduction", "olive"])
def test_ordinary_name_is_accepted(given: Any, name: str) -> None:
    given(default={"NAME": "shop", "TEST": {"NAME": name}})
    assert checks.refusal({"default"}, ()) is None


def test_allowed_name_is_accepted(given: Any) -> None:
    given(default={"NAME": "shop", "TEST": {"NAME": "staging_tests"}})
    assert checks.refusal({"default"}, ("other",)) is not None
    assert checks.refusal({"default"}, ("staging_tests",)) is None


def test_real_name_that_is_not_opened_is_accepted(given: Any) -> None:
    given(default={"NAME": "prod_shop"}, other={"NAME": "x", "TEST": {"NAME": "prod_other"}})
    assert checks.refusal({"default"}, ()) is None


def test_test_name_of_a_real_database_is_refused(given: Any) -> None:
    given(default={"NAME": "a", "TEST": {"NAME": "b"}}, other={"NAME": "b"})
    said = checks.refusal({"default"}, ("b",)) or ""
    assert "'default'" in said
    assert "'other'" in said


def test_test_name_equal_to_its_own_is_refused(given: Any) -> None:
    given(default={"NAME": "a", "TEST": {"NAME": "./a"}})
    assert "real database" in (checks.refusal({"default"}, ()) or "")


def test_mirror_opens_nothing_of_its_own(given: Any) -> None:
    given(
        default={"NAME": "a"},
        replica={"NAME": "a", "TEST": {"MIRROR": "default", "NAME": "prod_x"}},
    )
    assert checks.refusal({"default", "replica"}, ()) is None


@pytest.mark.parametrize(("debug", "number"), [(True, 1), (False, 0)])
def test_debug_is_warned_of(monkeypatch: pytest.MonkeyPatch, debug: bool, number: int) -> None:
    monkeypatch.setattr(checks, "settings", SimpleNamespace(DEBUG=debug))
    assert len(checks.warnings()) == number
