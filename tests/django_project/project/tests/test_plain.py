"""Without a database."""

import pytest

from catalogue.models import Category
from catalogue.seeding import categories


def test_names_are_shown_in_title_case():
    assert categories()[0] == ("Atlases", 1)


@pytest.mark.parametrize("number", range(3))
def test_nothing_much(number):
    assert number < 3


def test_database_is_forbidden():
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        Category.objects.count()


@pytest.mark.skip(reason="closed on Sundays")
def test_skipped():
    pass


@pytest.mark.xfail(reason="we only have three categories", strict=True)
@pytest.mark.django_db
def test_expected_to_fail():
    assert Category.objects.count() == 4
