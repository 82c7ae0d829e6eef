"""Holding each key to its pace: one statement a request, in a table without a write-ahead log, for all web processes.

A crash of the database empties that table: every key then begins with a whole minute's requests.
"""

from typing import Final
from uuid import UUID

from django.db import connection

from staydown_hub.organisations.errors import TooFastError
from staydown_hub.rules.pace import WINDOW, retry_after_s, step_of

_TAKE: Final = """
    INSERT INTO api_key_pace AS pace (api_key_id, filled_until)
        VALUES (%(key)s, clock_timestamp() + make_interval(secs => %(step)s))
    ON CONFLICT (api_key_id) DO UPDATE
        SET filled_until = greatest(pace.filled_until, clock_timestamp()) + make_interval(secs => %(step)s)
        WHERE pace.filled_until <= clock_timestamp() + make_interval(secs => %(window)s - %(step)s)
    RETURNING true
"""
_FILLED: Final = "SELECT filled_until, clock_timestamp() FROM api_key_pace WHERE api_key_id = %s"


def check(key_id: UUID, *, requests_a_minute: int) -> None:
    """Count one request of the key. Raises TooFastError."""
    with connection.cursor() as cursor:
        step_s, window_s = step_of(requests_a_minute).total_seconds(), WINDOW.total_seconds()
        cursor.execute(_TAKE, {"key": key_id, "step": step_s, "window": window_s})
        if cursor.fetchone() is not None:
            return
        cursor.execute(_FILLED, [key_id])
        filled_until, now = cursor.fetchone()
    raise TooFastError(retry_after_s(filled_until, at=now, requests_a_minute=requests_a_minute))
