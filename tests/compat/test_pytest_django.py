"""pytest-django's fixtures and marks, apart from the databases themselves (see tests/databases)."""

from __future__ import annotations

import pytest

from . import junit
from .modes import Compare

SETTINGS = """
SECRET_KEY = "of no worth"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "urls"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["*"]
STATIC_URL = "static/"
GREETING = "hello"
"""
URLS = """
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

def index(request):
    return HttpResponse(f"{settings.GREETING} {request.user.is_authenticated}")

urlpatterns = [path("", index)]
"""
OTHER_URLS = "from urls import index, path\nurlpatterns = [path('other/', index)]\n"
SUITE = """
import urllib.request

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import TestCase, TransactionTestCase

pytestmark = pytest.mark.django_db

@pytest.mark.parametrize("number", range(4))
def test_rows_are_rolled_back(number):
    assert not User.objects.exists()
    User.objects.create_user(f"user{number}")

def test_client(client, settings):
    settings.GREETING = "good morning"
    assert client.get("/").content == b"good morning False"

def test_settings_are_put_back(client):
    assert client.get("/").content == b"hello False"

def test_admin(admin_client, admin_user):
    assert admin_client.get("/").content == b"hello True"

@pytest.mark.urls("other_urls")
def test_other_urls(client): assert client.get("/other/").status_code == 200

def test_request(rf): assert rf.get("/").path == "/"

def test_mail(mailoutbox):
    mail.send_mail("subject", "body", "a@example.org", ["b@example.org"])
    assert len(mailoutbox) == 1

def test_queries(django_assert_num_queries):
    with django_assert_num_queries(1):
        User.objects.count()

def test_too_many_queries(django_assert_max_num_queries):
    with django_assert_max_num_queries(1):
        list(User.objects.all())
        list(User.objects.all())

@pytest.mark.django_db(transaction=True)
def test_server(live_server):
    assert urllib.request.urlopen(live_server.url, timeout=20).read() == b"hello False"

def test_callbacks(django_capture_on_commit_callbacks):
    from django.db import transaction
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        transaction.on_commit(lambda: None)
    assert len(callbacks) == 1

class TestCases(TestCase):
    @classmethod
    def setUpTestData(cls): cls.user = User.objects.create_user("of the class")

    def test_one(self): assert User.objects.get() == self.user
    def test_two(self):
        with self.subTest("part"):
            self.assertEqual(User.objects.count(), 2)

class TestTransactions(TransactionTestCase):
    def test_empty(self): assert User.objects.count() == 0
"""
WITHOUT = """
from django.contrib.auth.models import User

def test_without_access(): User.objects.count()
"""


def test_fixtures_and_marks_are_equal(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(project_settings=SETTINGS, urls=URLS, other_urls=OTHER_URLS)
    pytester.makepyfile(test_one=SUITE, test_two=SUITE, test_without=WITHOUT)
    pytester.makeini("[pytest]\nDJANGO_SETTINGS_MODULE = project_settings\npythonpath = .")
    told = compare(junit.OPTION, plugins=["django"], read=junit.outlines)
    assert told["forked"].totals["failed"] == 5
    assert "Database access not allowed" in told["forked"].text
    assert "Expected to perform 1 queries or less but 2 were done" in told["forked"].text
