from collections.abc import Callable
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from store.models import Cart, Product, TaxClass
from store.services import stock

CARD = "4539 1488 0343 6467"

MakeProduct = Callable[..., Product]


@pytest.fixture
def standard(db: None) -> TaxClass:
    return TaxClass.objects.get_or_create(code="standard", defaults={"rate": Decimal("0.2")})[0]


@pytest.fixture
def make_product(standard: TaxClass) -> MakeProduct:
    def make(name: str, price: str = "10.00", pieces: int = 0, **fields: object) -> Product:
        slug = name.lower().replace(" ", "-")
        fields = {"sku": slug.upper(), "slug": slug, "tax_class": standard, **fields}
        product = Product.objects.create(name=name, price=Decimal(price), **fields)
        if pieces:
            stock.receive(product, pieces)
        return product

    return make


@pytest.fixture
def teapot(make_product: MakeProduct) -> Product:
    return make_product("Teapot", price="25.00", pieces=10)


@pytest.fixture
def cup(make_product: MakeProduct) -> Product:
    return make_product("Cup", price="4.50", pieces=100)


@pytest.fixture
def ada(db: None) -> User:
    """A customer who never logs in with a password; hashing one would only cost time."""
    return User.objects.create(username="ada", email="ada@shop.example")


@pytest.fixture
def cart(ada: User) -> Cart:
    return Cart.objects.create(user=ada)
