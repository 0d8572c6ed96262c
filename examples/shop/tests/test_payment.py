from decimal import Decimal

import pytest
from store.services.payment import PaymentDeclined, charge, is_card_number

from .conftest import CARD


@pytest.mark.parametrize(
    "number", [CARD, "4111111111111111", "5500 0000 0000 0004", "340000000000009"]
)
def test_card_number_is_recognised(number: str) -> None:
    assert is_card_number(number)


@pytest.mark.parametrize(
    "number", ["", "4111111111111112", "1234", "4111-1111", "x" * 16, "0" * 20]
)
def test_other_number_is_not_a_card(number: str) -> None:
    assert not is_card_number(number)


def test_same_charge_has_the_same_reference() -> None:
    assert charge(CARD, Decimal(10)) == charge(CARD, Decimal(10))


def test_amounts_have_different_references() -> None:
    assert charge(CARD, Decimal(10)) != charge(CARD, Decimal(11))


@pytest.mark.parametrize(
    ("amount", "accepted"), [("4999.99", True), ("5000", True), ("5000.01", False)]
)
def test_card_has_a_limit(amount: str, accepted: bool) -> None:
    if accepted:
        assert charge(CARD, Decimal(amount))
    else:
        with pytest.raises(PaymentDeclined, match="limit of 5000"):
            charge(CARD, Decimal(amount))


def test_wrong_number_is_declined() -> None:
    with pytest.raises(PaymentDeclined, match="not a card number"):
        charge("1234", Decimal(1))
