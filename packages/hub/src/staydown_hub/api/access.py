"""Who calls: the key of the request, and whether it may use this route. Every refusal leaves an audit row."""

from http import HTTPStatus
from typing import cast

from django.db import transaction
from django.http import HttpRequest
from ninja.security import HttpBearer

from staydown_hub.api.errors import RefusedError
from staydown_hub.audit.services import record
from staydown_hub.config.proxies import CLIENT_SUBJECT
from staydown_hub.organisations import pace, services
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.queries import Caller, UnknownKeyError, caller_of
from staydown_hub.rules.access import Scope
from staydown_hub.rules.callers import Origin, read_address

SOURCE = "api"


class Key(HttpBearer):
    """A route's demand: a key that works, with at least one of these scopes (none named: any key)."""

    def __init__(self, *scopes: Scope) -> None:
        super().__init__()
        self.any_of = frozenset(scopes)

    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        """Return the caller. Raises UnknownKeyError (401), RefusedError (403) and TooFastError (429)."""
        try:
            caller = caller_of(token, _origin(request))
        except UnknownKeyError as error:
            if error.unusable is not None:
                with transaction.atomic():
                    services.note_refusal(error.unusable, is_elsewhere=error.is_elsewhere, source=SOURCE)
            raise
        pace.check(caller.key_id, requests_a_minute=caller.requests_a_minute)
        services.note_use(caller.key_id)
        if self.any_of and self.any_of.isdisjoint(caller.scopes):
            raise forbidden(caller, route=request.path, message=_lacking(self.any_of))
        return caller


def _origin(request: HttpRequest) -> Origin:
    # The outermost middleware has put the real caller's address there (see ``config.proxies``).
    return Origin(read_address(request.META.get("REMOTE_ADDR", "")), request.META.get(CLIENT_SUBJECT, ""))


def caller(request: HttpRequest) -> Caller:
    """Return who makes this request, as its key showed."""
    return cast("Caller", getattr(request, "auth"))  # noqa: B009 -- the attribute is the framework's, unknown to the types


def actor(request: HttpRequest) -> Actor:
    """Return the caller as services know it."""
    return caller(request).actor(source=SOURCE)


def forbidden(who: Caller, *, route: str, message: str) -> RefusedError:
    """Write the refusal to the audit log, outside any act's transaction, and return it."""
    note_refusal(who, route=route, status=HTTPStatus.FORBIDDEN)
    return RefusedError(HTTPStatus.FORBIDDEN, "forbidden", message)


def note_refusal(who: Caller, *, route: str, status: HTTPStatus) -> None:
    """Write that the organisation asked for what it may not have."""
    with transaction.atomic():
        record(
            act="request refused",
            organisation=who.organisation.pk,
            person=who.person.pk if who.person else None,
            subject=f"api_key:{who.key_id}",
            detail={"route": route, "status": status.value},
            source=SOURCE,
        )


def note_reading(who: Caller, *, act: str, subject: str) -> None:
    """Write that the organisation read what the hub knows of an item or request: reading is an act too."""
    with transaction.atomic():
        record(act=act, organisation=who.organisation.pk, subject=subject, source=SOURCE)


def _lacking(any_of: frozenset[Scope]) -> str:
    return f"This route needs a key with the scope {' or '.join(sorted(any_of))}: ask the hub's operator for one."
