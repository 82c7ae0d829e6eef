"""What a receipt says, read strictly from its JSON: what is wrong is named, nothing unknown is passed over."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from staydown_hub.feed.parameters import MAX_POSITION
from staydown_hub.feed.refusals import invalid
from staydown_hub.rules.enforcement import PROBLEMS, RECEIPT_STATES

_REQUIRED: Final = frozenset({"filter", "position", "state"})
_KNOWN: Final = _REQUIRED | {"live_since", "problem"}
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class ReceiptForm:
    """One receipt as a filter sent it; ``problem`` is empty unless the list was refused."""

    filter: UUID
    position: int
    state: str
    live_since: datetime | None
    problem: str


def read_receipt(body: bytes) -> ReceiptForm:
    """Return the receipt. Raises RefusedError (422) that names every wrong field."""
    try:
        given = json.loads(body)
    except ValueError:  # also what is not UTF-8
        raise invalid({"body": "This is not JSON in UTF-8."}) from None
    except RecursionError:
        raise invalid({"body": "This is nested too deeply."}) from None
    if not isinstance(given, dict):
        raise invalid({"body": "Send one object."})
    if wrong := _wrong_fields(given):
        raise invalid(wrong)
    is_live = given["state"] == "live"
    live_since = given.get("live_since")
    return ReceiptForm(
        filter=UUID(given["filter"]),
        position=given["position"],
        state=given["state"],
        live_since=_instant(live_since) if is_live and live_since is not None else None,
        problem=given.get("problem") or "",
    )


def _wrong_fields(given: dict[str, Any]) -> dict[str, str]:
    wrong = {name[:100]: "There is no such field here: leave it out." for name in sorted(given.keys() - _KNOWN)[:20]}
    wrong |= dict.fromkeys(sorted(_REQUIRED - given.keys()), "This field is required.")
    checks = {
        "filter": (_is_uuid, "Must be a UUID in lower-case letters with its dashes."),
        "position": (_is_position, f"Must be a whole number from -1 to {MAX_POSITION}."),
        "state": (lambda value: value in RECEIPT_STATES, f"Must be one of {', '.join(RECEIPT_STATES)}."),
        "live_since": (_is_instant, "Must be null or a time in UTC such as 2026-01-02T03:04:05.678901Z."),
        "problem": (lambda value: value is None or value in PROBLEMS, f"Must be null or one of {', '.join(PROBLEMS)}."),
    }
    wrong |= {
        name: message for name, (is_right, message) in checks.items() if name in given and not is_right(given[name])
    }
    if not wrong and (given["state"] == "refused") != bool(given.get("problem")):
        wrong["problem"] = "Name the problem when the list was refused, and only then."
    return wrong


def _is_uuid(value: object) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _is_position(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -1 <= value <= MAX_POSITION


def _is_instant(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        return False
    try:
        _instant(value)
    except ValueError:
        return False
    return True


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
