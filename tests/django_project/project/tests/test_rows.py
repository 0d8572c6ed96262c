"""What migrations made is there, and nothing that another test made."""

import pytest
from django.contrib.contenttypes.models import ContentType

from catalogue.models import Category, Change, Offer, Product, Publisher
from notes.models import Note

pytestmark = pytest.mark.django_db


def names():
    return list(Category.objects.order_by("rank").values_list("name", flat=True))


def test_categories_of_the_migration():
    assert names() == ["Atlases", "Novels", "Œuvres Complètes"]


def test_publishers_of_the_fixture():
    assert dict(Publisher.objects.values_list("pk", "name")) == {
        7: "Tideline",
        8: "Ängelholms Tryck",
    }


def test_added_category_goes_again():
    Category.objects.create(name="Maps", rank=4)
    assert len(names()) == 4


def test_deleted_categories_come_back():
    Category.objects.all().delete()
    assert names() == []


def test_still_three_categories():
    assert len(names()) == 3


def test_view_shows_what_is_cheap():
    novels = Category.objects.get(name="Novels")
    Product.objects.create(category=novels, name="Persuasion", pence=799)
    Product.objects.create(category=novels, name="The Waves, signed", pence=9900)
    assert list(Offer.objects.values_list("name", "category")) == [("Persuasion", "Novels")]


def test_trigger_notes_what_was_added():
    Product.objects.create(category=Category.objects.get(name="Novels"), name="Emma", pence=799)
    assert Change.objects.get().product == "Emma"


def test_note_of_an_app_without_migrations():
    assert Note.objects.create(text="order more paper").pk
    assert Note.objects.count() == 1


def test_content_types_know_the_models():
    assert ContentType.objects.get_for_model(Product).model_class() is Product
    assert ContentType.objects.filter(app_label="catalogue").count() == 5


@pytest.fixture
def globe(db):
    return Product.objects.create(
        category=Category.objects.get(name="Atlases"),
        publisher=Publisher.objects.get(pk=7),
        name="Globe",
        pence=2500,
    )


def test_fixture_has_made_a_product(globe):
    assert Product.objects.get() == globe


@pytest.mark.parametrize("number", range(4))
def test_each_case_starts_with_no_product(number):
    category = Category.objects.order_by("rank").first()
    Product.objects.bulk_create(
        Product(category=category, name=f"Atlas {n}", pence=n) for n in range(number + 1)
    )
    assert Product.objects.count() == number + 1
