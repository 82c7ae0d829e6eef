"""What somebody with the tables in hand can do to the audit log."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction
from staydown_hub.audit.queries import verify
from staydown_hub.audit.services import record

Tamper = Callable[[str], tuple[str, ...]]
_GUARDS = """
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = 'audit_seal'::regclass AND contype IN ('f', 'u')
"""


def write(count: int) -> None:
    """Write records, each in a transaction of its own."""
    for number in range(count):
        with transaction.atomic():
            record(act="thing done", subject=f"thing:{number}", detail={"number": number, "word": "grüße"})


@pytest.fixture
def tamper(committed_db: None) -> Iterator[Tamper]:
    """Three records, every guard of their tables taken off; call it with SQL to get what verifying finds then."""
    del committed_db
    write(3)
    with connection.cursor() as cursor:
        cursor.execute(_GUARDS)
        guards = cursor.fetchall()
        for table in ("audit_record", "audit_seal"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for name, _ in guards:
            cursor.execute(f'ALTER TABLE audit_seal DROP CONSTRAINT "{name}"')

    def act(statement: str) -> tuple[str, ...]:
        with connection.cursor() as cursor:
            cursor.execute(statement)
        return verify().problems

    yield act
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_seal; DELETE FROM audit_record")
        for table in ("audit_record", "audit_seal"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        for name, definition in guards:
            cursor.execute(f'ALTER TABLE audit_seal ADD CONSTRAINT "{name}" {definition}')
