class LedgerRouter:
    """The ledger is on a database of its own, and nothing else is there."""

    def db_for_read(self, model, **hints):
        return "ledger" if model._meta.app_label == "ledger" else None

    db_for_write = db_for_read

    def allow_relation(self, one, other, **hints):
        return None

    def allow_migrate(self, db, app_label, **hints):
        return (db == "ledger") == (app_label == "ledger")
