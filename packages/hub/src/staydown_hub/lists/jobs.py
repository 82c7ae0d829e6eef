"""The worker's job for the lists: taking what a redaction erased out of the table's file too."""

from django.db import connection
from procrastinate.contrib.django import app


@app.task
def vacuum_entries() -> None:
    """Vacuum the entries, so that erased texts do not lie about in the file until they are written over."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM entry")
