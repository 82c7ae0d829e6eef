"""The worker's jobs for the lists: what a redaction erased leaves the file too, and self-reports end by themselves."""

from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django import app


@app.task
def vacuum_entries() -> None:
    """Vacuum the entries, so that erased texts do not lie about in the file until they are written over."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM entry")


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="lists.end_expired_self_reports")
def end_expired_self_reports(timestamp: int = 0) -> None:
    """End the self-reports whose time has passed, each in a transaction of its own."""
    from staydown_hub.lists.deciding import end_expired  # noqa: PLC0415 -- it leads back to whoever defers jobs
    from staydown_hub.lists.held import due  # noqa: PLC0415 -- models are there only now

    del timestamp
    for report_id in due(now=timezone.now()):
        end_expired(report_id)
