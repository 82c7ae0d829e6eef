"""Every refusal of the API in one shape: a code, what to do, and the fields that are wrong."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja.errors import ValidationError

_MAX_FIELDS: Final = 20
_MAX_FIELD_CHARACTERS: Final = 100


@dataclass(frozen=True, slots=True)
class WrongField:
    """One field of a request and what is wrong with it; the message never repeats its value."""

    field: str
    message: str


class InvalidRowsError(Exception):
    """Rows of a report that are well written and yet name what is not there: every one of them is named."""

    def __init__(self, fields: list[WrongField]) -> None:
        super().__init__("Leave the named rows out and send the rest again.")
        self.fields = fields


class RefusedError(Exception):
    """A request that is answered with an error; ``status`` is the HTTP status, ``code`` the API's own word for it."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def not_found(message: str = "There is no such thing here, or it is not yours.") -> RefusedError:
    """Return the refusal of something that is not there, or is another's: the two look alike on purpose."""
    return RefusedError(HTTPStatus.NOT_FOUND, "not_found", message)


def answer(
    status: int, *, code: str, message: str, fields: Iterable[WrongField] = (), max_fields: int = _MAX_FIELDS
) -> HttpResponse:
    """Return the error as JSON."""
    shown = [{"field": one.field[:_MAX_FIELD_CHARACTERS], "message": one.message} for one in fields][:max_fields]
    return JsonResponse({"error": code, "message": message, "fields": shown}, status=status)


def invalid(fields: Iterable[WrongField]) -> HttpResponse:
    """Return the answer to a request whose fields are wrong."""
    message = "Correct the named fields and send the request again."
    return answer(HTTPStatus.UNPROCESSABLE_ENTITY, code="invalid", message=message, fields=fields)


def invalid_rows(error: InvalidRowsError) -> HttpResponse:
    """Return the answer that names every row, so that the caller can go on without them."""
    status, most = HTTPStatus.UNPROCESSABLE_ENTITY, len(error.fields)
    return answer(status, code="invalid", message=str(error), fields=error.fields, max_fields=most)


def refuse_unknown_parameters(request: HttpRequest, *, known: Collection[str]) -> None:
    """Raise the framework's ValidationError for parameters of the query that the route does not know."""
    if unknown := sorted(set(request.GET) - set(known)):
        raise ValidationError([{"type": "extra_forbidden", "loc": ("query", name), "msg": ""} for name in unknown])


def wrong_fields(errors: Iterable[dict[str, Any]]) -> list[WrongField]:
    """Return pydantic's findings as field paths such as ``fingerprints.0.value``, without the values."""
    return [WrongField(_path(one["loc"]), field_message(one)) for one in errors]


def _path(location: tuple[str | int, ...]) -> str:
    # The first two parts are where the value came from and our name of the parameter; the rest is the caller's path.
    parts = location[2:] if location[:1] == ("body",) else location[1:]
    return ".".join(str(part) for part in parts) or "body"


def field_message(error: dict[str, Any]) -> str:
    """Return what is wrong with a field in our words, from one of pydantic's findings."""
    if error["type"] == "extra_forbidden":
        return "There is no such field here: leave it out."
    if error["type"] == "missing":
        return "This field is required."
    return str(error["msg"]).removeprefix("Value error, ")
