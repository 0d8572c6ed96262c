"""Three aliases: the ledger has a database of its own, the replica is the default's."""

import pytest
from django.db import connections
from django.test import TestCase, TransactionTestCase

from catalogue.models import Category
from ledger.models import Account, Entry


def accounts():
    return list(Account.objects.order_by("name").values_list("name", flat=True))


@pytest.mark.django_db(databases=["ledger"])
def test_ledger_has_its_accounts():
    assert accounts() == ["cash", "stock"]


@pytest.mark.django_db(databases=["default", "ledger"])
def test_databases_are_different():
    assert Category.objects.count() == 3
    assert (
        connections["default"].settings_dict["NAME"] != connections["ledger"].settings_dict["NAME"]
    )
    assert "ledger_account" not in connections["default"].introspection.table_names()
    assert "catalogue_category" not in connections["ledger"].introspection.table_names()


@pytest.mark.django_db
def test_ledger_is_forbidden_unless_asked_for():
    with pytest.raises(Exception, match="'ledger'"):
        Account.objects.count()


@pytest.mark.django_db(databases=["default", "replica"])
def test_replica_is_the_default():
    replica, default = connections["replica"], connections["default"]
    assert replica.settings_dict["NAME"] == default.settings_dict["NAME"]


class BothRolledBack(TestCase):
    databases = ("default", "ledger")

    @classmethod
    def setUpTestData(cls):
        Category.objects.create(name="Maps")
        Entry.objects.create(account=Account.objects.get(name="cash"), pence=100)

    def test_entries(self):
        self.assertEqual(Entry.objects.count(), 1)
        Entry.objects.all().delete()

    def test_entries_again(self):
        self.assertEqual(Entry.objects.count(), 1)
        self.assertEqual(Category.objects.count(), 4)


class BothFlushed(TransactionTestCase):
    databases = ("default", "ledger", "replica")

    def test_replica_sees_commits(self):
        Category.objects.create(name="Globes")
        self.assertTrue(Category.objects.using("replica").filter(name="Globes").exists())

    def test_ledger_commits(self):
        account = Account.objects.create(name="till")
        Entry.objects.create(account=account, pence=5)
        self.assertEqual(Entry.objects.get(account=account).pence, 5)
