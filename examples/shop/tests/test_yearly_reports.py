"""Reports over a year of orders: the slow end of the suite, and collected last."""

import random
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from store.models import Order, OrderLine, Product
from store.services import reports
from store.services.pricing import line_price, sum_prices

from .conftest import MakeProduct

YEAR = 2025
NEW_YEAR = datetime(YEAR, 1, 1, tzinfo=timezone.utc)
NAMES = ["Cup", "Kettle", "Samovar", "Saucer", "Spoon", "Strainer", "Teapot", "Tray"]


class BusyYear:
    """Orders as they might have come in, the same every time."""

    def __init__(self, products: list[Product], user: User) -> None:
        self._products = products
        self._user = user
        self._chance = random.Random(YEAR)

    def fill(self, orders: int) -> None:
        placed = [self._order(number) for number in range(orders)]
        Order.objects.bulk_create(order for order, _ in placed)
        OrderLine.objects.bulk_create(line for _, lines in placed for line in lines)

    def _order(self, number: int) -> tuple[Order, list[OrderLine]]:
        order = Order(
            number=f"{YEAR}-{number:06}",
            user=self._user,
            placed=NEW_YEAR + timedelta(minutes=self._chance.randrange(365 * 24 * 60)),
        )
        chosen = self._chance.sample(self._products, k=self._chance.randint(1, 4))
        lines = [self._line(order, product) for product in chosen]
        total = sum_prices(
            line_price(line.product.price, line.quantity, Decimal(0)) for line in lines
        )
        order.net = total.net
        return order, lines

    def _line(self, order: Order, product: Product) -> OrderLine:
        quantity = self._chance.randint(1, 12)
        price = line_price(product.price, quantity, Decimal(0))
        return OrderLine(order=order, product=product, quantity=quantity, net=price.net, tax=0)


@pytest.fixture
def busy_year(ada: User, make_product: MakeProduct) -> BusyYear:
    products = [make_product(name, price=f"{i + 1}.00") for i, name in enumerate(NAMES)]
    return BusyYear(products, ada)


def test_quiet_year_has_twelve_months(db: None) -> None:
    assert reports.sales_by_month(YEAR) == dict.fromkeys(range(1, 13), Decimal(0))


def test_cancelled_order_does_not_count(busy_year: BusyYear) -> None:
    busy_year.fill(orders=300)
    Order.objects.update(state=Order.State.CANCELLED)
    assert reports.bestsellers(YEAR) == []
    assert sum(reports.sales_by_month(YEAR).values()) == 0


def test_bestsellers_lead_the_list(busy_year: BusyYear) -> None:
    busy_year.fill(orders=2000)
    best = reports.bestsellers(YEAR, count=8)
    assert [pieces for _, pieces in best] == sorted((pieces for _, pieces in best), reverse=True)
    assert sorted(name for name, _ in best) == NAMES


def test_unsold_products_are_named(busy_year: BusyYear, make_product: MakeProduct) -> None:
    busy_year.fill(orders=500)
    make_product("Sugar bowl")
    assert reports.unsold(YEAR) == ["Sugar bowl"]


def test_pairs_are_counted_once(busy_year: BusyYear) -> None:
    busy_year.fill(orders=1500)
    pairs = reports.bought_together(YEAR)
    assert all(one < other for one, other in pairs)
    assert max(pairs.values()) <= 1500


@pytest.mark.parametrize("year", [YEAR - 1, YEAR + 1])
def test_other_year_stays_empty(busy_year: BusyYear, year: int) -> None:
    busy_year.fill(orders=500)
    assert reports.as_csv(year) == "product,month,pieces,net\r\n"


def test_year_adds_up_in_every_report(busy_year: BusyYear) -> None:
    busy_year.fill(orders=6000)
    rows = [row.split(",") for row in reports.as_csv(YEAR).splitlines()[1:]]
    assert sum(Decimal(row[3]) for row in rows) == sum(reports.sales_by_month(YEAR).values())
    assert sum(int(row[2]) for row in rows) == sum(
        pieces for _, pieces in reports.bestsellers(YEAR, count=len(NAMES))
    )
