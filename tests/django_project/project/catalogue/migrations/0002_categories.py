from django.db import migrations

from catalogue.seeding import categories


def fill(apps, schema_editor):
    Category = apps.get_model("catalogue", "Category")
    rows = [Category(name=name, rank=rank) for name, rank in categories()]
    Category.objects.using(schema_editor.connection.alias).bulk_create(rows)


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
