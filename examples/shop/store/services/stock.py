"""Pieces come, are promised, and leave."""

from django.db import transaction
from django.db.models import F

from store.models import Product, Stock, StockMovement


class OutOfStock(Exception):
    """More was asked for than is available."""

    def __init__(self, product: Product, wanted: int, available: int) -> None:
        super().__init__(f"{product} has {available} left, {wanted} were wanted")
        self.product = product
        self.available = available


@transaction.atomic
def receive(product: Product, pieces: int, reason: str = "delivery") -> Stock:
    """Pieces arrive."""
    if pieces < 1:
        raise ValueError(f"a delivery has at least 1 piece, not {pieces}")
    Stock.objects.get_or_create(product_id=product.pk)
    Stock.objects.filter(product=product).update(on_hand=F("on_hand") + pieces)
    StockMovement.objects.create(product=product, change=pieces, reason=reason)
    return Stock.objects.get(product=product)


def reserve(product: Product, pieces: int) -> None:
    """Promise pieces to somebody; one statement, so two buyers never get the same piece."""
    free = Stock.objects.filter(product=product, on_hand__gte=F("reserved") + pieces)
    if not free.update(reserved=F("reserved") + pieces):
        stock = Stock.objects.filter(product=product).first()
        raise OutOfStock(product, pieces, stock.available if stock else 0)


def release(product: Product, pieces: int) -> None:
    """Take a promise back."""
    Stock.objects.filter(product=product).update(reserved=F("reserved") - pieces)


@transaction.atomic
def ship(product: Product, pieces: int, reason: str) -> None:
    """Promised pieces leave the house."""
    Stock.objects.filter(product=product).update(
        on_hand=F("on_hand") - pieces, reserved=F("reserved") - pieces
    )
    StockMovement.objects.create(product=product, change=-pieces, reason=reason)
