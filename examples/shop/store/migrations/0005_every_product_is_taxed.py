import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0004_fill_tax_classes")]

    operations = [
        migrations.AlterField(
            model_name="product",
            name="tax_class",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to="store.taxclass"
            ),
        ),
    ]
