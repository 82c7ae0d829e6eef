"""What a sidecar answers: a status, a type, a body; every error in the form of the hub's API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Headers: TypeAlias = "tuple[tuple[str, str], ...]"
NO_STORE: Final = ("cache-control", "no-store")
JSON_HEADERS: Final[Headers] = (("content-type", "application/json"), NO_STORE)


@dataclass(slots=True)
class Answer:
    """One answer. Its headers are the sidecar's own words, never what somebody sent; `code` is a refusal's word."""

    status: int
    body: bytes
    headers: Headers = JSON_HEADERS
    code: str = ""


class RefusedError(Exception):
    """A request that is not served; becomes the answer that it carries."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def as_json(value: object, *, status: int = 200) -> Answer:
    """Answer with JSON."""
    return Answer(status, json.dumps(value, separators=(",", ":")).encode())


def as_text(text: str, *, status: int = 200, content_type: str = "text/plain; charset=utf-8") -> Answer:
    """Answer with text."""
    return Answer(status, text.encode(), (("content-type", content_type), NO_STORE))


def refused(
    status: int,
    code: str,
    message: str,
    *,
    fields: Sequence[Mapping[str, str]] = (),
    headers: Sequence[tuple[str, str]] = (),
) -> RefusedError:
    """Make the error for a request that is not served; `message` says what to do."""
    body = json.dumps({"error": code, "message": message, "fields": list(fields)}, separators=(",", ":")).encode()
    return RefusedError(Answer(status, body, (*JSON_HEADERS, *headers), code))


def bad_field(name: str, message: str) -> RefusedError:
    """Make the error for a value that is not what is taken."""
    return refused(422, "invalid", f"{name}: {message}", fields=[{"field": name, "message": message}])


def busy(what: str) -> RefusedError:
    """Make the error for work that finds no room at present."""
    return refused(503, "busy", f"Too many {what} at once: try again in a second.", headers=[("retry-after", "1")])


def no_room() -> RefusedError:
    """Make the error for an upload that the disk has no room for."""
    return refused(503, "no_room", "There is no room for the upload: try again later.", headers=[("retry-after", "10")])
