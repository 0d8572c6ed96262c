"""unittest's classes, as Django extends them."""

from django.contrib.auth.models import Permission, User
from django.db import IntegrityError, transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase

from catalogue.models import Category, Product
from orders.models import Line, Order


class Simple(SimpleTestCase):
    def test_arithmetic(self):
        self.assertEqual(6 * 7, 42)


class OrderTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.ada = User.objects.create_user("ada")
        novels = Category.objects.get(name="Novels")
        cls.product = Product.objects.create(category=novels, name="Middlemarch", pence=899)
        cls.order = Order.objects.create(customer=cls.ada, reference="A-1")
        Line.objects.create(order=cls.order, product=cls.product, number=2)

    def test_lines(self):
        self.assertEqual(self.order.lines.get().number, 2)
        self.order.lines.all().delete()

    def test_lines_again(self):
        self.assertEqual(self.order.lines.count(), 1)

    def test_reference_is_unique(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            Order.objects.create(reference="A-1")

    def test_queries_are_counted(self):
        with self.assertNumQueries(1):
            list(Order.objects.all())

    def test_on_commit(self):
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            transaction.on_commit(lambda: None)
        self.assertEqual(len(callbacks), 1)


class Flushed(TransactionTestCase):
    def test_order_commits(self):
        Order.objects.create(reference="B-1")
        self.assertEqual(Order.objects.count(), 1)

    def test_nothing_is_left_of_others(self):
        self.assertEqual(Order.objects.count(), 0)
        self.assertFalse(User.objects.filter(username="ada").exists())

    def test_permissions_are_there(self):
        # Made by a signal after migrations, and again after each flush.
        self.assertTrue(Permission.objects.filter(codename="add_order").exists())


class Fixtures(TransactionTestCase):
    fixtures = ("publishers",)
    reset_sequences = True

    def test_first_key(self):
        self.assertEqual(Order.objects.create(reference="C-1").pk, 1)
        self.assertTrue(Permission.objects.exists())

    def test_first_key_again(self):
        self.assertEqual(Order.objects.create(reference="C-2").pk, 1)
