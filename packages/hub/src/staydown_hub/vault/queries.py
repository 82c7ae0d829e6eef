"""Which tables hold sealed records, and how many of them each key of the ring wraps."""

from collections import Counter

from django.db import connection
from psycopg import sql

# Asked of the database itself, so that no table is forgotten, in a migration neither.
_TABLES = """
    SELECT table_name FROM information_schema.columns
    WHERE table_schema = current_schema() AND column_name = 'sealed_key' ORDER BY table_name
"""
_COUNT = sql.SQL("""
    SELECT encode(substr(sealed_key, 2, 4), 'hex'), count(*) FROM {} WHERE sealed_key IS NOT NULL GROUP BY 1
""")
_ANY = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE sealed_key IS NOT NULL)")


def sealed_tables() -> list[str]:
    """Return the names of the tables with sealed records."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        return [name for (name,) in cursor.fetchall()]


def has_sealed_records() -> bool:
    """Tell whether anything is sealed."""
    with connection.cursor() as cursor:
        for table in sealed_tables():
            cursor.execute(_ANY.format(sql.Identifier(table)))
            if cursor.fetchone()[0]:
                return True
    return False


def counts_by_key() -> Counter[bytes]:
    """Return how many records each key of the ring wraps, by its id."""
    counts: Counter[bytes] = Counter()
    with connection.cursor() as cursor:
        for table in sealed_tables():
            cursor.execute(_COUNT.format(sql.Identifier(table)))
            for key_id, count in cursor.fetchall():
                counts[bytes.fromhex(key_id)] += count
    return counts
