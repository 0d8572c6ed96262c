from django.db import models


class Note(models.Model):
    """Of an app without migrations: Django makes its table from this class."""

    text = models.TextField()
