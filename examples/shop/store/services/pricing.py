"""What things cost. All amounts are rounded to cents, line by line."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
DISCOUNTS = ((50, Decimal("0.15")), (10, Decimal("0.10")), (5, Decimal("0.05")))


@dataclass(frozen=True)
class Price:
    """An amount without tax, and the tax on it."""

    net: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        """What the customer pays."""
        return self.net + self.tax

    def __add__(self, other: "Price") -> "Price":
        return Price(self.net + other.net, self.tax + other.tax)


FREE = Price(Decimal("0.00"), Decimal("0.00"))


def discount(quantity: int) -> Decimal:
    """The fraction taken off for buying so many pieces."""
    return next((rate for least, rate in DISCOUNTS if quantity >= least), Decimal(0))


def line_price(unit_price: Decimal, quantity: int, tax_rate: Decimal) -> Price:
    """The price of so many pieces of one product."""
    if quantity < 1:
        raise ValueError(f"a line has at least 1 piece, not {quantity}")
    net = _round(unit_price * quantity * (1 - discount(quantity)))
    return Price(net, _round(net * tax_rate))


def sum_prices(prices: Iterable[Price]) -> Price:
    """All of them together."""
    return sum(prices, FREE)


def _round(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
