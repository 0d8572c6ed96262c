import django.db.models.deletion
from django.db import migrations, models


def fields(*more):
    key = models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )
    return [("id", key), *more]


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Category",
            fields(
                ("name", models.CharField(max_length=80, unique=True)),
                ("rank", models.IntegerField(default=0)),
            ),
        ),
        migrations.CreateModel(
            "Publisher",
            fields(
                ("name", models.CharField(max_length=80)),
                ("country", models.CharField(max_length=2)),
            ),
        ),
        migrations.CreateModel(
            "Product",
            fields(
                (
                    "category",
                    models.ForeignKey("catalogue.Category", django.db.models.deletion.CASCADE),
                ),
                (
                    "publisher",
                    models.ForeignKey(
                        "catalogue.Publisher", django.db.models.deletion.SET_NULL, null=True
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("pence", models.PositiveIntegerField()),
            ),
        ),
        migrations.CreateModel("Change", fields(("product", models.CharField(max_length=80)))),
        migrations.CreateModel(
            "Offer",
            fields(
                ("name", models.CharField(max_length=80)),
                ("category", models.CharField(max_length=80)),
            ),
            options={"db_table": "catalogue_offer", "managed": False},
        ),
    ]
