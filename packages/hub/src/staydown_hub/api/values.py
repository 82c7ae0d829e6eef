"""Values of several bodies that have one way to be written: instants and identifiers."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import BeforeValidator

_INSTANT: Final = re.compile(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _instant(given: object) -> datetime:
    if isinstance(given, str) and _INSTANT.fullmatch(given):
        try:
            return datetime.fromisoformat(given).astimezone(UTC)
        except ValueError:
            pass
    raise ValueError("Must be a time in UTC such as 2026-01-02T03:04:05.678901Z.")


def _identifier(given: object) -> UUID:
    if isinstance(given, str) and _UUID.fullmatch(given):
        return UUID(given)
    raise ValueError("Must be a UUID in lower-case letters with its dashes.")


Instant = Annotated[datetime, BeforeValidator(_instant)]
Identifier = Annotated[UUID, BeforeValidator(_identifier)]
