"""pytest-httpserver: every worker has a server of its own."""

from __future__ import annotations

import pytest

from . import junit
from .modes import Compare

SUITE = """
import json
import urllib.error
import urllib.request

import pytest

def fetch(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read()

@pytest.mark.parametrize("number", range(6))
def test_answer(httpserver, number):
    httpserver.expect_request("/number").respond_with_json({"number": number})
    assert json.loads(fetch(httpserver.url_for("/number"))) == {"number": number}

def test_nothing_is_left(httpserver):
    with pytest.raises(urllib.error.HTTPError):
        fetch(httpserver.url_for("/number"))

def test_order(httpserver):
    httpserver.expect_ordered_request("/first").respond_with_data("1")
    assert fetch(httpserver.url_for("/first")) == b"2"
"""


def test_servers_answer_alike(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(test_one=SUITE, test_two=SUITE)
    told = compare(junit.OPTION, plugins=["pytest_httpserver"], read=junit.cases)
    assert told["forked"].totals == {"passed": 14, "failed": 2}
