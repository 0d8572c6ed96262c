from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from store.models import Cart, Order, Product
from store.services import carts, checkout
from store.services.payment import PaymentDeclined
from store.services.stock import OutOfStock

from .conftest import CARD, MakeProduct


@pytest.fixture
def order(ada: User, cart: Cart, teapot: Product, cup: Product) -> Order:
    carts.add(cart, teapot)
    carts.add(cart, cup, 4)
    return checkout.place_order(ada, cart, CARD)


def test_order_has_what_the_cart_had(order: Order) -> None:
    lines = order.lines.values_list("product__name", "quantity", "net")
    assert list(lines) == [("Teapot", 1, Decimal("25.00")), ("Cup", 4, Decimal("18.00"))]
    assert order.total == Decimal("51.60")


def test_cart_is_empty_afterwards(order: Order, cart: Cart) -> None:
    assert not cart.lines.exists()


def test_ordered_pieces_are_promised(order: Order, teapot: Product, cup: Product) -> None:
    assert (teapot.stock.available, cup.stock.available) == (9, 96)


def test_later_price_leaves_the_order(order: Order, teapot: Product) -> None:
    Product.objects.filter(pk=teapot.pk).update(price=99)
    order.refresh_from_db()
    assert order.total == Decimal("51.60")


def test_empty_cart_cannot_be_ordered(ada: User, cart: Cart) -> None:
    with pytest.raises(checkout.EmptyCart):
        checkout.place_order(ada, cart, CARD)


def test_shipping_empties_the_shelf(order: Order, teapot: Product) -> None:
    checkout.ship_order(order)
    assert order.state == Order.State.SHIPPED
    assert (teapot.stock.on_hand, teapot.stock.reserved) == (9, 0)


def test_cancelling_gives_the_pieces_back(order: Order, teapot: Product) -> None:
    checkout.cancel_order(order)
    assert teapot.stock.available == 10


def test_shipped_order_cannot_be_cancelled(order: Order) -> None:
    checkout.ship_order(order)
    with pytest.raises(ValueError, match="is shipped"):
        checkout.cancel_order(order)


def test_numbers_go_on(order: Order, ada: User, cart: Cart, cup: Product) -> None:
    carts.add(cart, cup)
    second = checkout.place_order(ada, cart, CARD)
    assert (order.number[-6:], second.number[-6:]) == ("000001", "000002")


@pytest.mark.django_db(transaction=True)
class TestRealTransactions:
    def test_customer_hears_of_the_order(
        self, order: Order, mailoutbox: list[EmailMessage]
    ) -> None:
        assert [mail.subject for mail in mailoutbox] == [f"Your order {order.number}"]
        assert "51.60 euros" in mailoutbox[0].body

    def test_declined_card_undoes_everything(
        self, ada: User, cart: Cart, teapot: Product, mailoutbox: list[EmailMessage]
    ) -> None:
        carts.add(cart, teapot)
        with pytest.raises(PaymentDeclined):
            checkout.place_order(ada, cart, "1234")
        assert (teapot.stock.available, cart.lines.count(), len(mailoutbox)) == (10, 1, 0)
        assert not Order.objects.exists()

    def test_last_line_can_fail_the_order(
        self, ada: User, cart: Cart, teapot: Product, make_product: MakeProduct
    ) -> None:
        carts.add(cart, teapot)
        carts.add(cart, make_product("Samovar"))
        with pytest.raises(OutOfStock, match="Samovar"):
            checkout.place_order(ada, cart, CARD)
        assert teapot.stock.available == 10
