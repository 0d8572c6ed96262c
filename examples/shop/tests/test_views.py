import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from store.models import Cart, Order, Product
from store.services import carts

from .conftest import CARD, MakeProduct


@pytest.fixture
def customer(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def test_list_shows_what_is_sold(
    client: Client, teapot: Product, make_product: MakeProduct
) -> None:
    make_product("Gramophone", active=False)
    products = client.get(reverse("products")).json()["products"]
    assert products == [{"sku": "TEAPOT", "name": "Teapot", "price": "25.00"}]


@pytest.mark.parametrize(
    ("words", "names"), [("", ["Cup", "Teapot"]), ("tea", ["Teapot"]), ("x", [])]
)
def test_search_looks_at_names(
    client: Client, teapot: Product, cup: Product, words: str, names: list[str]
) -> None:
    products = client.get(reverse("products"), {"q": words}).json()["products"]
    assert [product["name"] for product in products] == names


def test_product_has_a_page(client: Client, teapot: Product) -> None:
    assert client.get(reverse("product", args=["teapot"])).json()["name"] == "Teapot"


@pytest.mark.django_db
def test_unknown_product_is_not_found(client: Client) -> None:
    assert client.get(reverse("product", args=["nothing"])).status_code == 404


def test_guest_has_a_cart(client: Client, teapot: Product) -> None:
    assert client.post(reverse("cart-add"), {"sku": "TEAPOT", "quantity": 2}).status_code == 201
    assert client.get(reverse("cart")).json() == {"lines": {"TEAPOT": 2}, "total": "60.00"}


def test_guests_have_carts_of_their_own(client: Client, teapot: Product) -> None:
    client.post(reverse("cart-add"), {"sku": "TEAPOT"})
    assert Client().get(reverse("cart")).json()["lines"] == {}


@pytest.mark.parametrize("name", ["cart-add", "checkout", "login"])
def test_changing_needs_a_post(client: Client, name: str) -> None:
    assert client.get(reverse(name)).status_code == 405


def test_guest_is_sent_to_log_in(client: Client, teapot: Product) -> None:
    response = client.post(reverse("checkout"), {"card": CARD})
    assert response.status_code == 302
    assert response.url.startswith(reverse("login"))


def test_customer_buys_and_sees_the_order(customer: Client, teapot: Product) -> None:
    customer.post(reverse("cart-add"), {"sku": "TEAPOT"})
    bought = customer.post(reverse("checkout"), {"card": CARD})
    assert bought.status_code == 201
    shown = customer.get(reverse("order", args=[bought.json()["order"]]))
    assert shown.json() == {"state": "paid", "total": "30.00"}


@pytest.mark.parametrize(
    ("quantity", "card", "status"), [(0, CARD, 400), (1, "1234", 402), (11, CARD, 409)]
)
def test_failed_checkout_says_why(
    customer: Client, ada: User, teapot: Product, quantity: int, card: str, status: int
) -> None:
    cart = Cart.objects.create(user=ada)
    if quantity:
        carts.add(cart, teapot, quantity)
    response = customer.post(reverse("checkout"), {"card": card})
    assert response.status_code == status
    assert response.json()["error"]
    assert not Order.objects.exists()


def test_order_of_another_is_not_found(customer: Client, teapot: Product) -> None:
    customer.post(reverse("cart-add"), {"sku": "TEAPOT"})
    number = customer.post(reverse("checkout"), {"card": CARD}).json()["order"]
    stranger = Client()
    stranger.force_login(User.objects.create(username="eve"))
    assert stranger.get(reverse("order", args=[number])).status_code == 404


@pytest.mark.parametrize(("staff", "status"), [(True, 200), (False, 403)])
def test_report_is_for_staff(customer: Client, ada: User, staff: bool, status: int) -> None:
    User.objects.filter(pk=ada.pk).update(is_staff=staff)
    assert customer.get(reverse("report", args=[2025])).status_code == status
