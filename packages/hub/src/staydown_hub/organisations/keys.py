"""Writing API keys: made, rotated without a moment in which neither works, bound to a person, and revoked."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from staydown_hub.audit.services import record
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.errors import (
    KeyNamesSomebodyError,
    KeyNameTakenError,
    KeyOverError,
    ScopeBeyondKindError,
    UnknownApiKeyError,
    UnknownPersonError,
)
from staydown_hub.organisations.models import ApiKey, Organisation, Person
from staydown_hub.rules.access import scopes_beyond_kind
from staydown_hub.rules.callers import read_network
from staydown_hub.rules.keys import NewToken, make_token
from staydown_hub.rules.pace import DEFAULT_REQUESTS_A_MINUTE

LONGEST_OVERLAP: Final = timedelta(days=30)
_ZERO: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key just made; ``token`` is known here and now only."""

    key: ApiKey
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What narrows a key besides its scopes: the person for whom it acts, its end, whence and how often it is used."""

    person: Person | None = None
    expires_at: datetime | None = None
    networks: tuple[str, ...] = ()
    client_subject: str = ""
    requests_a_minute: int = DEFAULT_REQUESTS_A_MINUTE


@transaction.atomic
def make_api_key(
    organisation: Organisation,
    *,
    name: str,
    scopes: Collection[str],
    bounds: Bounds | None = None,
    by: Actor | None = None,
) -> NewApiKey:
    """Make a key. ``by`` None is the operator.

    Raises ScopeBeyondKindError, KeyNameTakenError, UnknownPersonError (somebody of another organisation, or inactive),
    and ValueError for what is no network.
    """
    bounds = bounds or Bounds()
    if beyond := scopes_beyond_kind(kind=organisation.kind, wanted=frozenset(scopes)):
        raise ScopeBeyondKindError(kind=organisation.kind, scopes=beyond)
    if ApiKey.objects.filter(organisation=organisation, name=name, replaced_by=None).exists():
        raise KeyNameTakenError(name)
    if bounds.person and (bounds.person.organisation_id != organisation.pk or not bounds.person.is_active):
        raise UnknownPersonError
    made = make_token()
    key = _row(made, organisation=organisation, name=name, scopes=sorted(set(scopes)), by=by)
    key.person, key.expires_at = bounds.person, bounds.expires_at
    key.networks = sorted({read_network(one) for one in bounds.networks})
    key.client_subject, key.requests_a_minute = bounds.client_subject, bounds.requests_a_minute
    key.save(force_insert=True)
    _record("key made", key, by)
    return NewApiKey(key, made.token)


@transaction.atomic
def rotate_api_key(*, prefix: str, overlap: timedelta, by: Actor | None = None) -> NewApiKey:
    """Make a key's successor of the same name and rights; the old one works on until the overlap is over.

    At most two work at a time: what the old one replaced ends now. A key that expires gives its successor as long a
    life. Raises UnknownApiKeyError and KeyOverError.
    """
    old = _locked(prefix, by)
    now = timezone.now()
    if old.replaced_by_id is not None or not old.is_usable(at=now):
        raise KeyOverError
    for older in ApiKey.objects.filter(replaced_by=old, revoked_at=None):
        _revoke(older, by)
    made = make_token()
    new = _row(made, organisation=old.organisation, name=old.name, scopes=list(old.scopes), by=by)
    new.person, new.networks, new.client_subject = old.person, list(old.networks), old.client_subject
    new.requests_a_minute = old.requests_a_minute
    new.expires_at = None if old.expires_at is None else now + (old.expires_at - old.made_at)
    ends_at = now + max(_ZERO, min(overlap, LONGEST_OVERLAP))
    # The name is the successor's from here on: the constraint lets one row without a successor have it.
    old.replaced_by_id = new.pk
    old.expires_at = min(old.expires_at or ends_at, ends_at)
    _save_both(old, new)
    _record("key rotated", old, by, successor=new.prefix)
    _record("key made", new, by)
    return NewApiKey(new, made.token)


@transaction.atomic
def bind_api_key(*, prefix: str, person: Person, by: Actor | None = None) -> ApiKey:
    """Have a key that names nobody act for a person of its organisation from now on, for good.

    One that names somebody stays theirs: they have its secret. Raises UnknownApiKeyError, KeyNamesSomebodyError and
    UnknownPersonError.
    """
    key = _locked(prefix, by)
    if key.person_id is not None:
        raise KeyNamesSomebodyError
    if person.organisation_id != key.organisation_id or not person.is_active:
        raise UnknownPersonError
    key.person = person
    key.save(update_fields=["person"])
    _record("key bound", key, by)
    return key


@transaction.atomic
def revoke_api_key(*, prefix: str, by: Actor | None = None) -> ApiKey:
    """Revoke the key with this prefix, for good; it counts at once, also in the feed. Raises UnknownApiKeyError."""
    key = _locked(prefix, by)
    if key.revoked_at is None:
        _revoke(key, by)
    return key


def _save_both(old: ApiKey, new: ApiKey) -> None:
    """Write both ends of a rotation: foreign keys are checked at commit, so the link may stand first."""
    old.save(update_fields=["replaced_by", "expires_at"])
    new.save(force_insert=True)


def _row(made: NewToken, *, organisation: Organisation, name: str, scopes: list[str], by: Actor | None) -> ApiKey:
    return ApiKey(
        organisation=organisation,
        name=name,
        prefix=made.prefix,
        token_hash=made.token_hash,
        scopes=scopes,
        made_by_id=by.person if by else None,
    )


def _locked(prefix: str, by: Actor | None) -> ApiKey:
    """Return the key, locked; somebody of another organisation finds none."""
    rows = ApiKey.objects.select_for_update(no_key=True, of=("self",)).select_related("person", "organisation")
    found = rows.filter(prefix=prefix).first()
    if found is None or (by is not None and by.organisation != found.organisation_id):
        raise UnknownApiKeyError(prefix)
    return found


def _revoke(key: ApiKey, by: Actor | None) -> None:
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at"])
    _record("key revoked", key, by)


def _record(act: str, key: ApiKey, by: Actor | None, **more: str) -> None:
    detail: dict[str, str | int | list[str] | None] = {
        "prefix": key.prefix,
        "scopes": list(key.scopes),
        "acts_for": str(key.person_id) if key.person_id else None,
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        **more,
    }
    record(
        act=act,
        organisation=key.organisation_id,
        person=by.person if by else None,
        subject=f"api_key:{key.pk}",
        detail=detail,
        source=by.source if by else "command",
    )
