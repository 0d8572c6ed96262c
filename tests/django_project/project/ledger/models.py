from django.db import models


class Account(models.Model):
    """Rows come with migration 0002."""

    name = models.CharField(max_length=40, unique=True)


class Entry(models.Model):
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    pence = models.IntegerField()
