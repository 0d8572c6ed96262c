from django.core.management import call_command
from django.db import migrations


def load(apps, schema_editor):
    call_command("loaddata", "publishers", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0002_categories")]
    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
