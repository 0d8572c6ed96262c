"""Passwords are hashed with Django's default hasher, as in production: slow on purpose."""

from django.contrib.auth.models import User
from django.test import TestCase
from django.urls import reverse
from store.models import Cart, Product, TaxClass
from store.services import carts

PASSWORD = "correct horse battery staple"


class TestLogIn(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.user = User.objects.create_user("grace", "grace@shop.example", PASSWORD)
        tax_class, _ = TaxClass.objects.get_or_create(code="standard", defaults={"rate": "0.2"})
        cls.teapot = Product.objects.create(
            sku="TEAPOT", name="Teapot", slug="teapot", price="25.00", tax_class=tax_class
        )

    def log_in(self, password: str = PASSWORD, username: str = "grace") -> int:
        credentials = {"username": username, "password": password}
        return self.client.post(reverse("login"), credentials).status_code

    def test_right_password_opens_the_session(self) -> None:
        assert self.log_in() == 200
        assert self.client.session["_auth_user_id"] == str(self.user.pk)

    def test_wrong_password_is_refused(self) -> None:
        assert self.log_in("incorrect horse") == 403
        assert "_auth_user_id" not in self.client.session

    def test_unknown_name_is_refused(self) -> None:
        assert self.log_in(username="nobody") == 403

    def test_inactive_user_is_refused(self) -> None:
        User.objects.filter(pk=self.user.pk).update(is_active=False)
        assert self.log_in() == 403

    def test_guest_cart_comes_along(self) -> None:
        self.client.post(reverse("cart-add"), {"sku": "TEAPOT", "quantity": 2})
        carts.add(Cart.objects.create(user=self.user), self.teapot, 1)
        self.log_in()
        assert self.client.get(reverse("cart")).json()["lines"] == {"TEAPOT": 3}
        assert Cart.objects.count() == 1


class TestPasswords(TestCase):
    def test_password_is_stored_as_a_hash(self) -> None:
        user = User.objects.create_user("alan", password=PASSWORD)
        assert user.password.startswith("pbkdf2_sha256$")
        assert PASSWORD not in user.password

    def test_equal_passwords_hash_differently(self) -> None:
        one = User.objects.create_user("one", password=PASSWORD)
        other = User.objects.create_user("other", password=PASSWORD)
        assert one.password != other.password

    def test_changed_password_replaces_the_old(self) -> None:
        user = User.objects.create_user("alan", password="old password")
        user.set_password(PASSWORD)
        assert not user.check_password("old password")
        assert user.check_password(PASSWORD)
