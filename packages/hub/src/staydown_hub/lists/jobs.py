"""The worker's job about the lists: self-reports end by themselves."""

from django.utils import timezone
from procrastinate.contrib.django import app

from staydown_hub.lists.deciding import end_expired
from staydown_hub.lists.models import SelfReport


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="lists.end_expired_self_reports")
def end_expired_self_reports(timestamp: int = 0) -> None:  # noqa: ARG001 -- the scheduler passes when it is due
    """End the self-reports whose time has passed, each in a transaction of its own."""
    due = SelfReport.objects.filter(ended_at=None, expires_at__lte=timezone.now())
    for report_id in due.order_by("expires_at").values_list("pk", flat=True):
        end_expired(report_id)
