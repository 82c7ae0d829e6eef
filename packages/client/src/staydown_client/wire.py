"""Strict reading of JSON from outside: a typed value, or an error that names the field and never its value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn

from staydown_client.errors import HubMisbehavedError

if TYPE_CHECKING:
    import re
    from collections.abc import Collection


def parse_json(data: bytes | str) -> object:
    """Parse UTF-8 JSON; a repeated name, NaN, infinity, or nesting beyond Python's own limit is refused."""
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        parsed: object = json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise HubMisbehavedError("The hub's answer is not well-formed JSON.") from None
    return parsed


def object_at(value: object, where: str, *, fields: Collection[str]) -> dict[str, object]:
    """Return the object at `where`, which must have exactly `fields`."""
    if not isinstance(value, dict):
        refuse(where, "must be an object")
    missing = sorted(set(fields) - value.keys())
    if missing:
        refuse(f"{where}.{missing[0]}", "is missing")
    if len(value) > len(fields):
        refuse(where, "has fields this version does not know; update staydown-client")
    return value


def known_fields_at(value: object, where: str, *, fields: Collection[str]) -> dict[str, object]:
    """Return only `fields` of the object at `where`; for answers whose other fields do not matter here."""
    if not isinstance(value, dict):
        refuse(where, "must be an object")
    return object_at({name: value[name] for name in fields if name in value}, where, fields=fields)


def list_at(value: object, where: str, *, max_length: int, min_length: int = 0) -> list[object]:
    """Return the array at `where`, whose length lies between `min_length` and `max_length`."""
    if not isinstance(value, list):
        refuse(where, "must be an array")
    if not min_length <= len(value) <= max_length:
        refuse(where, f"must have {min_length} to {max_length} elements")
    return value


def text_at(value: object, where: str, *, pattern: re.Pattern[str], meaning: str) -> str:
    """Return the string at `where`, which must match `pattern` whole; `meaning` says in words what that is."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        refuse(where, f"must be {meaning}")
    return value


def integer_at(value: object, where: str, *, low: int, high: int) -> int:
    """Return the integer at `where`, which lies between `low` and `high`; true and 1.0 are not integers."""
    if type(value) is not int or not low <= value <= high:
        refuse(where, f"must be an integer from {low} to {high}")
    return value


def boolean_at(value: object, where: str) -> bool:
    """Return the boolean at `where`."""
    if not isinstance(value, bool):
        refuse(where, "must be true or false")
    return value


def refuse(where: str, why: str) -> NoReturn:
    """Refuse what the hub sent, naming the field."""
    raise HubMisbehavedError(f"The hub's answer was refused: {where} {why}.")


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _refuse_constant(_constant: str) -> NoReturn:
    raise ValueError
