import pytest
from django.db import IntegrityError
from store.models import Product, Stock, StockMovement
from store.services import stock

from .conftest import MakeProduct


def test_delivery_fills_the_shelf(teapot: Product) -> None:
    assert stock.receive(teapot, 5).on_hand == 15


def test_delivery_needs_a_piece(teapot: Product) -> None:
    with pytest.raises(ValueError, match="at least 1 piece"):
        stock.receive(teapot, 0)


@pytest.mark.parametrize("pieces", [1, 9, 10])
def test_promised_pieces_are_unavailable(teapot: Product, pieces: int) -> None:
    stock.reserve(teapot, pieces)
    assert teapot.stock.available == 10 - pieces


def test_more_than_all_is_refused(teapot: Product) -> None:
    with pytest.raises(stock.OutOfStock, match="Teapot has 10 left, 11 were wanted"):
        stock.reserve(teapot, 11)


def test_two_promises_share_the_shelf(teapot: Product) -> None:
    stock.reserve(teapot, 6)
    with pytest.raises(stock.OutOfStock) as refused:
        stock.reserve(teapot, 5)
    assert refused.value.available == 4


def test_product_without_stock_is_refused(make_product: MakeProduct) -> None:
    with pytest.raises(stock.OutOfStock, match="has 0 left"):
        stock.reserve(make_product("Samovar"), 1)


def test_released_pieces_are_available(teapot: Product) -> None:
    stock.reserve(teapot, 6)
    stock.release(teapot, 6)
    assert teapot.stock.available == 10


def test_shipped_pieces_are_gone(teapot: Product) -> None:
    stock.reserve(teapot, 6)
    stock.ship(teapot, 6, reason="order 1")
    assert (teapot.stock.on_hand, teapot.stock.reserved) == (4, 0)


def test_movements_tell_the_story(teapot: Product) -> None:
    stock.reserve(teapot, 6)
    stock.ship(teapot, 6, reason="order 1")
    story = StockMovement.objects.order_by("pk").values_list("change", "reason")
    assert list(story) == [(10, "delivery"), (-6, "order 1")]


def test_database_refuses_empty_promises(teapot: Product) -> None:
    with pytest.raises(IntegrityError):
        Stock.objects.filter(product=teapot).update(reserved=11)
