from decimal import Decimal

from django.db import migrations

RATES = {"standard": "0.200", "reduced": "0.100", "zero": "0.000"}


def fill_tax_classes(apps, schema_editor):
    """Create the three classes; books are taxed at the reduced rate, the rest at the standard."""
    tax_classes = apps.get_model("store", "TaxClass").objects
    products = apps.get_model("store", "Product").objects.filter(tax_class=None)
    for code, rate in RATES.items():
        tax_classes.get_or_create(code=code, defaults={"rate": Decimal(rate)})
    products.filter(sku__startswith="BOOK-").update(tax_class=tax_classes.get(code="reduced"))
    products.update(tax_class=tax_classes.get(code="standard"))


class Migration(migrations.Migration):
    dependencies = [("store", "0003_tax_classes")]

    operations = [migrations.RunPython(fill_tax_classes, migrations.RunPython.noop)]
