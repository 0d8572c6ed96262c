"""From cart to order: promise the pieces, take the money, write the order, tell the customer."""

from functools import partial

from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from store.models import Cart, CartLine, Order, OrderLine
from store.services import carts, payment, stock
from store.services.pricing import line_price


class EmptyCart(Exception):
    """There is nothing to order."""


@transaction.atomic
def place_order(user: User, cart: Cart, card: str) -> Order:
    """Order what lies in the cart; when any step fails, nothing has happened."""
    lines = list(cart.lines.select_related("product__tax_class"))
    if not lines:
        raise EmptyCart("the cart is empty")
    for line in lines:
        stock.reserve(line.product, line.quantity)
    order = _write_order(user, cart, card)
    OrderLine.objects.bulk_create(_order_line(order, line) for line in lines)
    cart.lines.all().delete()
    transaction.on_commit(partial(confirm, order))
    return order


@transaction.atomic
def ship_order(order: Order) -> None:
    """The parcel leaves the house."""
    for line in order.lines.select_related("product"):
        stock.ship(line.product, line.quantity, reason=f"order {order.number}")
    order.state = Order.State.SHIPPED
    order.save(update_fields=["state"])


@transaction.atomic
def cancel_order(order: Order) -> None:
    """The customer changed their mind; too late once it is shipped."""
    if order.state != Order.State.PAID:
        raise ValueError(f"order {order.number} is {order.state} and cannot be cancelled")
    for line in order.lines.select_related("product"):
        stock.release(line.product, line.quantity)
    order.state = Order.State.CANCELLED
    order.save(update_fields=["state"])


def confirm(order: Order) -> None:
    """Write to the customer."""
    send_mail(
        subject=f"Your order {order.number}",
        message=f"Thank you. You paid {order.total} euros.",
        from_email=None,
        recipient_list=[order.user.email],
    )


def _write_order(user: User, cart: Cart, card: str) -> Order:
    price = carts.price(cart)
    today = timezone.now()
    return Order.objects.create(
        number=f"{today:%Y}-{Order.objects.count() + 1:06}",
        user=user,
        placed=today,
        net=price.net,
        tax=price.tax,
        payment_reference=payment.charge(card, price.total),
    )


def _order_line(order: Order, line: CartLine) -> OrderLine:
    price = line_price(line.product.price, line.quantity, line.product.tax_class.rate)
    return OrderLine(
        order=order, product=line.product, quantity=line.quantity, net=price.net, tax=price.tax
    )
