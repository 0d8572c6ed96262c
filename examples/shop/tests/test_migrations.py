from importlib import import_module

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from store.models import TaxClass

from .conftest import MakeProduct

fill_tax_classes = import_module("store.migrations.0004_fill_tax_classes").fill_tax_classes


@pytest.mark.django_db
def test_models_have_all_migrations() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_tax_classes_are_made_once() -> None:
    TaxClass.objects.all().delete()
    for _ in range(2):
        fill_tax_classes(apps, connection.schema_editor())
    rates = TaxClass.objects.order_by("rate").values_list("code", "rate")
    assert [(code, float(rate)) for code, rate in rates] == [
        ("zero", 0.0),
        ("reduced", 0.1),
        ("standard", 0.2),
    ]


def test_taxed_product_stays_as_it_is(make_product: MakeProduct) -> None:
    book = make_product("Cookery book", sku="BOOK-1")
    fill_tax_classes(apps, connection.schema_editor())
    book.refresh_from_db()
    assert book.tax_class.code == "standard"
