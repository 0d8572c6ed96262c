"""Filling a cart."""

from django.db import transaction

from store.models import Cart, CartLine, Product
from store.services.pricing import Price, line_price, sum_prices


class NotForSale(Exception):
    """The product is no longer sold."""


def add(cart: Cart, product: Product, quantity: int = 1) -> CartLine:
    """Put more pieces of a product into the cart."""
    if not product.active:
        raise NotForSale(f"{product} is no longer sold")
    line, created = CartLine.objects.get_or_create(
        cart=cart, product=product, defaults={"quantity": quantity}
    )
    if not created:
        line.quantity += quantity
        line.save(update_fields=["quantity"])
    return line


def change(cart: Cart, product: Product, quantity: int) -> None:
    """Set the number of pieces; 0 removes the line."""
    lines = CartLine.objects.filter(cart=cart, product=product)
    if quantity:
        lines.update(quantity=quantity)
    else:
        lines.delete()


@transaction.atomic
def merge(guest: Cart, own: Cart) -> Cart:
    """After logging in: what lay in the guest's cart comes into the user's own."""
    for line in guest.lines.select_related("product"):
        add(own, line.product, line.quantity)
    guest.delete()
    return own


def price(cart: Cart) -> Price:
    """What the cart costs today."""
    lines = cart.lines.select_related("product__tax_class")
    return sum_prices(
        line_price(line.product.price, line.quantity, line.product.tax_class.rate) for line in lines
    )
