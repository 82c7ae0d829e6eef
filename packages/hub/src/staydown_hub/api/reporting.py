"""What platforms report about entries: who reports, and which rows name none."""

from http import HTTPStatus
from typing import NoReturn

from django.http import HttpRequest

from staydown_hub.api.access import caller, note_refusal
from staydown_hub.api.errors import InvalidRowsError, WrongField
from staydown_hub.enforcement.entries import Reporter
from staydown_hub.enforcement.errors import WrongRowsError


def reporter(request: HttpRequest) -> Reporter:
    """Return the caller as a reporter about entries."""
    who = caller(request)
    return Reporter(kind=who.organisation.kind, scopes=who.scopes)


def refuse_rows(request: HttpRequest, error: WrongRowsError, *, of: str = "") -> NoReturn:
    """Answer 422 with each wrong row's field, below ``of``; naming another's list leaves an audit row."""
    if error.reached_for_others:
        note_refusal(caller(request), route=request.path, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    raise InvalidRowsError(
        [WrongField(f"{of}.{one.row}.{one.field}" if of else one.field, one.message) for one in error.rows]
    ) from None
