from decimal import Decimal

import pytest
from django.db import IntegrityError
from store.models import Cart, CartLine, Product, TaxClass
from store.services import carts

from .conftest import MakeProduct


def test_empty_cart_is_free(cart: Cart) -> None:
    assert carts.price(cart).total == 0


def test_same_product_is_one_line(cart: Cart, cup: Product) -> None:
    carts.add(cart, cup, 2)
    assert carts.add(cart, cup, 3).quantity == 5
    assert cart.lines.count() == 1


def test_database_keeps_one_line(cart: Cart, cup: Product) -> None:
    carts.add(cart, cup)
    with pytest.raises(IntegrityError):
        CartLine.objects.create(cart=cart, product=cup, quantity=1)


def test_retired_product_is_refused(cart: Cart, make_product: MakeProduct) -> None:
    with pytest.raises(carts.NotForSale, match="Gramophone is no longer sold"):
        carts.add(cart, make_product("Gramophone", active=False))


@pytest.mark.parametrize(("quantity", "lines"), [(0, []), (1, [1]), (7, [7])])
def test_quantity_can_be_changed(cart: Cart, cup: Product, quantity: int, lines: list[int]) -> None:
    carts.add(cart, cup, 3)
    carts.change(cart, cup, quantity)
    assert list(cart.lines.values_list("quantity", flat=True)) == lines


def test_price_has_discount_and_tax(cart: Cart, teapot: Product, cup: Product) -> None:
    carts.add(cart, teapot)
    carts.add(cart, cup, 10)
    price = carts.price(cart)
    assert (price.net, price.tax) == (Decimal("65.50"), Decimal("13.10"))


def test_each_line_has_its_own_tax(cart: Cart, make_product: MakeProduct) -> None:
    untaxed = TaxClass.objects.get_or_create(code="zero", defaults={"rate": 0})[0]
    carts.add(cart, make_product("Stamp", price="1.00", tax_class=untaxed))
    carts.add(cart, make_product("Envelope", price="1.00"))
    assert carts.price(cart).tax == Decimal("0.20")


def test_merged_cart_has_both(cart: Cart, teapot: Product, cup: Product) -> None:
    guest = Cart.objects.create()
    carts.add(guest, cup, 2)
    carts.add(cart, cup, 1)
    carts.add(cart, teapot)
    carts.merge(guest, cart)
    assert dict(cart.lines.values_list("product__name", "quantity")) == {"Cup": 3, "Teapot": 1}
    assert not Cart.objects.filter(user=None).exists()
