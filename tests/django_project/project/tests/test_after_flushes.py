"""Tests that want the rows of migrations back, whoever flushed before.

Django cannot restore them when the flush of another kind of test came between: the signal after
that flush has made content types under other numbers. So in a sequential run these come first.
"""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.test import TransactionTestCase

from catalogue.models import Category, Publisher


class Serialized(TransactionTestCase):
    serialized_rollback = True

    def test_rows_of_migrations(self):
        self.assertEqual(Category.objects.count(), 3)
        Category.objects.all().delete()

    def test_rows_of_migrations_again(self):
        self.assertEqual(Category.objects.count(), 3)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("number", range(2))
def test_rows_of_migrations_are_restored(number):
    assert Category.objects.count() == 3
    assert Publisher.objects.filter(pk__in=(7, 8)).count() == 2
    assert ContentType.objects.filter(app_label="catalogue").count() == 5
    Publisher.objects.all().delete()
