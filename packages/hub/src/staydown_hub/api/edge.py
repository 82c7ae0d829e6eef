"""The API's edge: bodies that are not JSON or too large never get in, and every error leaves as JSON."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from staydown_hub.api.errors import answer

PREFIX: Final = "/api/"
_JSON: Final = "application/json"
LINES: Final = "application/x-ndjson"
# The one route that takes lines; see `api/batches.py`.
BATCH_PATH: Final = "/api/v1/reports/batch"
MAX_BATCH_BYTES: Final = 256 * 1024 * 1024
_UTF_8: Final = "utf-8"

_WORDS: Final = {
    HTTPStatus.BAD_REQUEST: ("bad_request", "This request cannot be understood: check how it is made."),
    HTTPStatus.NOT_FOUND: ("not_found", "There is no such route: see docs/reference/openapi.json."),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "method_not_allowed",
        "This route has another method: see docs/reference/openapi.json.",
    ),
}
_FAULT: Final = (
    "fault",
    "The hub failed at this request; nothing of it was kept. Tell its operator when this happened.",
)


class ApiEdgeMiddleware:
    """Outermost around the API's paths: it needs neither the body nor the caller."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Refuse a body that cannot be taken, else pass the request on."""
        if not request.path.startswith(PREFIX):
            return self._get_response(request)
        return _refusal_of_body(request) or _in_shape(self._get_response(request))


def _refusal_of_body(request: HttpRequest) -> HttpResponse | None:
    if request.path == BATCH_PATH:
        return _refusal_of_lines(request)
    length = request.META.get("CONTENT_LENGTH") or "0"
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
    if not length.isdigit() or int(length) > most:
        message = f"A body has at most {most:,} bytes: send fewer fingerprints or sightings at a time."
        return answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, code="too_large", message=message)
    has_body = request.method not in {"GET", "HEAD"} or int(length) > 0
    if has_body and request.content_type != _JSON:
        message = "Send the body as application/json. The hub takes no files: send fingerprints."
        return _unsupported(message)
    if has_body and (request.content_params or {}).get("charset", _UTF_8).lower() != _UTF_8:
        return _unsupported("JSON is UTF-8: send it so, and name no other charset.")
    return None


def _refusal_of_lines(request: HttpRequest) -> HttpResponse | None:
    """Refuse what is not lines of JSON. They are read as they come, so that their length is bound far above."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if request.method == "POST" and request.content_type != LINES:
        return _unsupported(f"Send the batch as {LINES}: one report a line. The hub takes no files: send fingerprints.")
    if request.method == "POST" and not length.isdigit():
        message = "Say how long the batch is: send a Content-Length."
        return answer(HTTPStatus.LENGTH_REQUIRED, code="length_required", message=message)
    if int(length or 0) > MAX_BATCH_BYTES:
        message = f"A batch has at most {MAX_BATCH_BYTES:,} bytes: send fewer reports at a time."
        return answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, code="too_large", message=message)
    return None


def _unsupported(message: str) -> HttpResponse:
    return answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, code="unsupported_media_type", message=message)


def _in_shape(response: HttpResponse) -> HttpResponse:
    """Return an error that Django made itself in the API's shape, without anything of the request in it."""
    if response.status_code < HTTPStatus.BAD_REQUEST or response.headers.get("Content-Type", "").startswith(_JSON):
        return response
    code, message = _WORDS.get(HTTPStatus(response.status_code), _FAULT)
    shaped = answer(response.status_code, code=code, message=message)
    if "Allow" in response.headers:
        shaped.headers["Allow"] = response.headers["Allow"]
    return shaped
