from django.db import migrations


def fill(apps, schema_editor):
    Account = apps.get_model("ledger", "Account")
    for name in ("cash", "stock"):
        Account.objects.using(schema_editor.connection.alias).create(name=name)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
