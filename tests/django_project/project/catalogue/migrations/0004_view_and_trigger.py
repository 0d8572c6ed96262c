from django.db import migrations

VIEW = """
CREATE VIEW catalogue_offer AS
SELECT p.id, p.name, c.name AS category
FROM catalogue_product p JOIN catalogue_category c ON c.id = p.category_id
WHERE p.pence < 1000
"""
FUNCTION = """
CREATE FUNCTION catalogue_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO catalogue_change (product) VALUES (NEW.name); RETURN NEW; END $$
"""
TRIGGERS = {
    "postgresql": """
        CREATE TRIGGER catalogue_added AFTER INSERT ON catalogue_product
        FOR EACH ROW EXECUTE FUNCTION catalogue_note()
    """,
    "mysql": """
        CREATE TRIGGER catalogue_added AFTER INSERT ON catalogue_product
        FOR EACH ROW INSERT INTO catalogue_change (product) VALUES (NEW.name)
    """,
    "sqlite": """
        CREATE TRIGGER catalogue_added AFTER INSERT ON catalogue_product
        BEGIN INSERT INTO catalogue_change (product) VALUES (NEW.name); END
    """,
}


class RunSQLOn(migrations.RunSQL):
    """SQL for one vendor."""

    def __init__(self, vendor, sql):
        super().__init__([sql])  # a list: not to be split at semicolons
        self.vendor = vendor

    def deconstruct(self):
        return self.__class__.__qualname__, [self.vendor, self.sql[0]], {}

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == self.vendor:
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0003_publishers")]
    operations = [
        migrations.RunSQL([VIEW]),
        RunSQLOn("postgresql", FUNCTION),
        *(RunSQLOn(vendor, sql) for vendor, sql in TRIGGERS.items()),
    ]
