"""Signing in and out, failing to, and changing how one signs in are acts: each leaves an audit record."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest

from staydown_hub.audit.services import record
from staydown_hub.organisations.models import Person


def connect() -> None:
    """Listen to Django's signals; safe to call again."""
    user_logged_in.connect(_signed_in, dispatch_uid="staff.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="staff.signed_out")
    user_login_failed.connect(_refused, dispatch_uid="staff.sign_in_refused")
    account.password_changed.connect(_changed_password, dispatch_uid="staff.password_changed")
    account.password_reset.connect(_changed_password, dispatch_uid="staff.password_reset")
    # The library's own signals come after the commit, where a crash would lose the record.
    post_save.connect(_saved_factor, sender=Authenticator, dispatch_uid="staff.factor_saved")
    post_delete.connect(_removed_factor, sender=Authenticator, dispatch_uid="staff.factor_removed")
    mfa.authentication_failed.connect(_failed_factor, dispatch_uid="staff.factor_refused")


def _signed_in(*, user: Person, **_: object) -> None:
    _record("person signed in", user)


def _signed_out(*, user: Person | None, **_: object) -> None:
    # A session that had ended already is nobody's act.
    if user is not None:
        _record("person signed out", user)


def _refused(*, credentials: dict[str, Any], **_: object) -> None:
    # What was typed may be a password in the wrong field: only an address that is somebody's is recorded.
    person = Person.objects.filter(email__iexact=credentials.get("email") or "").first()
    if person is not None:
        _record("sign-in refused", person)


def _changed_password(*, user: Person, **_: object) -> None:
    _record("password changed", user)


def _saved_factor(*, instance: Authenticator, created: bool, **_: object) -> None:
    if created:
        _record("second factor added", instance.user, factor=instance.type)


def _removed_factor(*, instance: Authenticator, **_: object) -> None:
    _record("second factor removed", instance.user, factor=instance.type)


def _failed_factor(*, user: Person, **_: object) -> None:
    _record("second factor refused", user)


def _record(act: str, person: Person, **detail: str) -> None:
    record(
        act=act,
        subject=f"person:{person.pk}",
        organisation=person.organisation_id,
        person=person.pk,
        detail=detail,
        source="staff",
    )


def name_given(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Return the e-mail that somebody tries to sign in with, in one spelling for all, so that tries add up."""
    given = (credentials or {}).get("email") or request.POST.get("login", "")
    return str(given).strip().lower()
