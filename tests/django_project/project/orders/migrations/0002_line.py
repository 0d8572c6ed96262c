import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial"), ("catalogue", "0004_view_and_trigger")]
    operations = [
        migrations.CreateModel(
            "Line",
            [
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        "orders.Order", django.db.models.deletion.CASCADE, related_name="lines"
                    ),
                ),
                (
                    "product",
                    models.ForeignKey("catalogue.Product", django.db.models.deletion.PROTECT),
                ),
                ("number", models.PositiveSmallIntegerField(default=1)),
            ],
        ),
    ]
