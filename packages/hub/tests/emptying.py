"""Taking a test's committed rows away again, past the triggers that refuse just that."""

from django.apps import apps
from django.db import connection, transaction

_KEPT = {"django_migrations", "django_content_type", "shared_list", "scheme_code", "safe_fingerprint"}
# The foreign keys to these are checked at once: they are emptied after the tables that point to them.
_LAST = ("procrastinate_jobs", "procrastinate_workers")


def empty_database() -> None:
    """Empty every table but the default list's. The hub's own account may: it owns the tables, and so their triggers.

    Rows are deleted, not truncated: a test has few of them, and the files of a truncated table are made anew.
    """
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    with transaction.atomic(), connection.cursor() as cursor:
        filled = [one for one in sorted(tables & set(connection.introspection.table_names()) - _KEPT) if _has_rows(one)]
        for table in filled:
            cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
        for table in sorted(filled, key=lambda one: _LAST.index(one) if one in _LAST else -1):
            cursor.execute(f'DELETE FROM "{table}"')  # noqa: S608 -- our own tables' names
        cursor.execute("DELETE FROM shared_list WHERE slug <> 'main'")
        cursor.execute("ALTER TABLE safe_fingerprint DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM safe_fingerprint WHERE source LIKE 'dispute %'")
        cursor.execute("ALTER TABLE safe_fingerprint ENABLE TRIGGER USER")
        cursor.execute("UPDATE shared_list SET log_origin = '', log_keys = '{}' WHERE log_origin <> ''")
        # The foreign keys are checked at commit; triggers cannot be put back while a check is still to come.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in filled:
            cursor.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER USER')


def _has_rows(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}")')  # noqa: S608 -- our own tables' names
        return bool(cursor.fetchone()[0])
