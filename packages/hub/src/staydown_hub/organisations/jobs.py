"""The worker's jobs for people: the mail that sets a forgotten password anew, and closing what nobody decided."""

from smtplib import SMTPException
from typing import Final
from uuid import UUID

from allauth.account import app_settings
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from staydown_hub.organisations.four_eyes import expire_due
from staydown_hub.organisations.models import Person

_MAIL: Final = "account/email/password_reset_key"
# Whoever waits longer asks again.
_RETRY: Final = RetryStrategy(max_attempts=5, wait=30, retry_exceptions={SMTPException, OSError})


@app.task(retry=_RETRY)
def send_password_reset(*, person_id: str) -> None:
    """Send somebody the link that sets their password anew.

    The link is made here: a job's arguments are kept in the database, where a link would open the account.
    """
    person = Person.objects.filter(pk=UUID(person_id), is_active=True).first()
    if person is None:
        return
    context = {"password_reset_url": _link_for(person)}
    subject = render_to_string(f"{_MAIL}_subject.txt", context).strip()
    send_mail(subject, render_to_string(f"{_MAIL}_message.txt", context), None, [person.email])


@app.task(retry=_RETRY)
def send_invitation(*, person_id: str) -> None:
    """Send somebody the link with which they set their first password: it works once, and for two days."""
    person = Person.objects.select_related("organisation").filter(pk=UUID(person_id), is_active=True).first()
    if person is None or person.last_login is not None:
        return
    context = {"invitation_url": _link_for(person), "organisation": person.organisation.name}
    subject = render_to_string("staff/email/invitation_subject.txt").strip()
    send_mail(subject, render_to_string("staff/email/invitation_message.txt", context), None, [person.email])


@app.periodic(cron="7 * * * *")
@app.task(queueing_lock="organisations.close_expired")
def close_expired(timestamp: int) -> None:
    """Close the proposals that nobody decided in time."""
    del timestamp
    expire_due()


def _link_for(person: Person) -> str:
    token = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(person)
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(person), "key": token})
    return f"{settings.PUBLIC_URL}{path}"
