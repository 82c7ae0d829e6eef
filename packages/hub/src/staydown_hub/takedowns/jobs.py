"""The worker's jobs: send a request's mail, look at its address, and find jobs that were lost.

A job may run twice, late, or be killed at any point: what it was for is in the request's row.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPSenderRefused
from typing import Final
from uuid import UUID

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.jobs import Status

from staydown_hub.takedowns import queries, services
from staydown_hub.takedowns.looking import look_at
from staydown_hub.takedowns.mails import compose

_log: Final = logging.getLogger(__name__)
_FIRST_PERMANENT_REPLY: Final = 500


@app.task
def send_request_mail(*, request_id: str, due_at: str) -> None:
    """Send the mail that a request is waiting to send: its notice, or the retraction of it.

    From one attempt to the next the mail keeps its Message-ID: it goes out at least once, and is known for the same.
    """
    with _alone(request_id) as is_alone:
        if not is_alone:
            return  # another worker sends a mail of this request just now, and leaves a job for what comes next
        mail = services.begin_mail(UUID(request_id), due_at=due_at)
        if mail is None:
            return
        try:
            compose(mail).send()
        except (SMTPException, OSError) as error:
            _log.warning("a mail of request %s was not sent: %s", request_id, type(error).__name__)
            if _is_refused_for_good(error):
                services.note_mail_refused(mail)
            else:
                services.note_mail_failed(mail)
                _look_meanwhile(UUID(request_id))
        else:
            services.note_mail_sent(mail)


@app.task
def recheck_request(*, request_id: str, due_at: str) -> None:
    """Look whether a request's address is still up."""
    _look(UUID(request_id), url=queries.url_to_check(UUID(request_id), due_at=due_at))


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="takedowns.sweep")
def sweep(timestamp: int) -> None:
    """Find requests whose job was lost, and take away the jobs of workers that were killed."""
    del timestamp
    if lost := services.find_lost(now=timezone.now()):
        _log.warning("%s requests were overdue for the worker and are queued again", lost)
    for job in async_to_sync(app.job_manager.get_stalled_jobs)():
        async_to_sync(app.job_manager.finish_job)(job=job, status=Status.FAILED, delete_job=True)


def _look_meanwhile(request_id: UUID) -> None:
    """Look at the address although its notice cannot be sent, once that has gone on for a while."""
    _look(request_id, url=queries.url_to_check_meanwhile(request_id))


def _look(request_id: UUID, *, url: str | None) -> None:
    if url is not None:
        look = look_at(url, allowed=settings.CHECK_PRIVATE_ADDRESSES)
        services.note_check(request_id, outcome=look.outcome, status=look.status)


def _is_refused_for_good(error: Exception) -> bool:
    """Tell whether the mail server refused this mail, or its one recipient, with a permanent reply.

    A refusal of the hub itself, of its name or password, is none: it says nothing about the recipient.
    """
    codes: list[int] = []
    if isinstance(error, SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
    elif isinstance(error, SMTPSenderRefused | SMTPDataError):
        codes = [error.smtp_code]
    return bool(codes) and all(code >= _FIRST_PERMANENT_REPLY for code in codes)


@contextmanager
def _alone(request_id: str) -> Iterator[bool]:
    """Hold the right to send this request's mails: the database takes it back with the connection of a killed worker.

    So a retraction cannot overtake the notice that it retracts.
    """
    key = UUID(request_id).int & 0x7FFFFFFFFFFFFFFF
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        is_alone = bool(cursor.fetchone()[0])
    try:
        yield is_alone
    finally:
        if is_alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
