"""Tests that commit: pytest-django flushes after each of them."""

import pytest
from django.db import connection, transaction

from catalogue.models import Category, Publisher
from orders.models import Order


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", range(3))
def test_commit_is_gone_for_the_next(number):
    assert Order.objects.count() == 0
    Order.objects.create(reference=f"T-{number}")
    assert not connection.in_atomic_block


@pytest.mark.django_db(transaction=True)
def test_on_commit_is_called():
    called = []
    with transaction.atomic():
        transaction.on_commit(lambda: called.append(True))
    assert called


def test_fixture_that_commits(transactional_db):
    Category.objects.create(name="Ephemera", rank=20)
    assert Category.objects.filter(rank=20).count() == 1


@pytest.mark.django_db(reset_sequences=True)
def test_keys_begin_at_one():
    assert Order.objects.create(reference="K-1").pk == 1


@pytest.mark.django_db
def test_rows_are_there_after_flushes():
    assert Category.objects.count() == 3
    assert Publisher.objects.count() == 2
