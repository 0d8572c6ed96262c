"""What was sold."""

import csv
import io
from collections import Counter
from decimal import Decimal

from store.models import Order, OrderLine, Product


def sales_by_month(year: int) -> dict[int, Decimal]:
    """Amounts without tax, for each of the twelve months; cancelled orders do not count."""
    months = dict.fromkeys(range(1, 13), Decimal("0.00"))
    for order in _orders(year):
        months[order.placed.month] += order.net
    return months


def bestsellers(year: int, count: int = 5) -> list[tuple[str, int]]:
    """Names and pieces of what sold best, best first, equal ones by name."""
    pieces: Counter[str] = Counter()
    for line in _lines(year):
        pieces[line.product.name] += line.quantity
    return sorted(pieces.items(), key=lambda item: (-item[1], item[0]))[:count]


def bought_together(year: int) -> Counter[tuple[str, str]]:
    """How often two products stood in the same order; names in alphabetical order."""
    orders: dict[int, set[str]] = {}
    for line in _lines(year):
        orders.setdefault(line.order_id, set()).add(line.product.name)
    return Counter(
        (one, other) for names in orders.values() for one in names for other in names if one < other
    )


def as_csv(year: int) -> str:
    """One row per product and month: name, month, pieces, amount without tax."""
    cells: dict[tuple[str, int], tuple[int, Decimal]] = {}
    for line in _lines(year):
        key = line.product.name, line.order.placed.month
        pieces, net = cells.get(key, (0, Decimal(0)))
        cells[key] = pieces + line.quantity, net + line.net
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["product", "month", "pieces", "net"])
    writer.writerows((*key, *cell) for key, cell in sorted(cells.items()))
    return out.getvalue()


def unsold(year: int) -> list[str]:
    """Names of active products that nobody bought."""
    sold = {line.product_id for line in _lines(year)}
    return [
        product.name for product in Product.objects.filter(active=True) if product.pk not in sold
    ]


def _orders(year: int):
    return Order.objects.filter(placed__year=year).exclude(state=Order.State.CANCELLED)


def _lines(year: int):
    lines = OrderLine.objects.filter(order__in=_orders(year))
    return lines.select_related("order", "product").iterator()
