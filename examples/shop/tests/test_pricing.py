from decimal import Decimal

import pytest
from store.services.pricing import FREE, Price, discount, line_price, sum_prices


@pytest.mark.parametrize(
    ("quantity", "rate"),
    [(1, "0"), (4, "0"), (5, "0.05"), (9, "0.05"), (10, "0.10"), (49, "0.10"), (50, "0.15")],
)
def test_discount_grows_with_quantity(quantity: int, rate: str) -> None:
    assert discount(quantity) == Decimal(rate)


@pytest.mark.parametrize(
    ("unit_price", "quantity", "tax_rate", "net", "tax"),
    [
        ("10.00", 1, "0.2", "10.00", "2.00"),
        ("10.00", 5, "0.2", "47.50", "9.50"),
        ("0.99", 3, "0.1", "2.97", "0.30"),
        ("0.05", 1, "0.1", "0.05", "0.01"),
        ("19.99", 50, "0", "849.58", "0.00"),
    ],
)
def test_line_is_rounded_to_cents(
    unit_price: str, quantity: int, tax_rate: str, net: str, tax: str
) -> None:
    price = line_price(Decimal(unit_price), quantity, Decimal(tax_rate))
    assert price == Price(Decimal(net), Decimal(tax))


@pytest.mark.parametrize("quantity", [0, -1])
def test_line_needs_a_piece(quantity: int) -> None:
    with pytest.raises(ValueError, match="at least 1 piece"):
        line_price(Decimal(1), quantity, Decimal(0))


def test_sum_of_nothing_is_free() -> None:
    assert sum_prices([]) == FREE


def test_sum_adds_net_and_tax() -> None:
    prices = [Price(Decimal(1), Decimal("0.2")), Price(Decimal(2), Decimal("0.4"))]
    assert sum_prices(prices).total == Decimal("3.6")
