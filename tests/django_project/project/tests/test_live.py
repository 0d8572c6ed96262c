"""A server in a thread sees what the test commits, and the test what the server does."""

import json
from threading import Thread
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from django.db import connection

from catalogue.models import Category, Product


def test_live_server_reads(live_server):
    Category.objects.create(name="Charts", rank=9)
    with urlopen(f"{live_server.url}/categories/", timeout=20) as answer:
        assert "Charts" in json.load(answer)["categories"]


def test_live_server_writes(live_server):
    Category.objects.create(name="Charts", rank=9)
    query = urlencode({"category": "Charts", "name": "Dogger Bank"})
    with urlopen(f"{live_server.url}/products/add/?{query}", timeout=20) as answer:
        assert answer.status == 201
    assert Product.objects.get().name == "Dogger Bank"


@pytest.mark.django_db(transaction=True)
def test_thread_uses_the_same_database():
    Category.objects.create(name="Charts")
    found = []

    def look():
        try:
            found.append(
                (connection.settings_dict["NAME"], Category.objects.get(name="Charts").name)
            )
        finally:
            connection.close()

    thread = Thread(target=look)
    thread.start()
    thread.join(20)
    assert found == [(connection.settings_dict["NAME"], "Charts")]
