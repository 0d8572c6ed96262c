from django.db import models


class Category(models.Model):
    """Rows come with migration 0002, from `data/categories.json`."""

    name = models.CharField(max_length=80, unique=True)
    rank = models.IntegerField(default=0)


class Publisher(models.Model):
    """Rows come with migration 0003, from the fixture `publishers`."""

    name = models.CharField(max_length=80)
    country = models.CharField(max_length=2)


class Product(models.Model):
    category = models.ForeignKey(Category, on_delete=models.CASCADE)
    publisher = models.ForeignKey(Publisher, null=True, on_delete=models.SET_NULL)
    name = models.CharField(max_length=80)
    pence = models.PositiveIntegerField()


class Change(models.Model):
    """Written by a trigger of migration 0004 whenever a product is added."""

    product = models.CharField(max_length=80)


class Offer(models.Model):
    """A view of migration 0004: the products below ten pounds."""

    name = models.CharField(max_length=80)
    category = models.CharField(max_length=80)

    class Meta:
        managed = False
        db_table = "catalogue_offer"
