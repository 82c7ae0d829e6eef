"""The text of an entry: canonical JSON, made once and served verbatim ever after."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from staydown_hub.rules.admission import Content, Decision
from staydown_hub.rules.fingerprints import Fingerprint


def canonical(fields: dict[str, Any]) -> str:
    """Return JSON with sorted keys and no spaces."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def instant(at: datetime) -> str:
    """Return a time as entries write it: UTC with microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def carrying_body(decision: Decision, *, item: UUID, kind: str, advice: str, at: datetime) -> str:
    """Return the body of an admission or amendment: the whole of what is now in force for the item."""
    return canonical(
        {
            "operation": decision.step,
            "item": str(item),
            "kind": kind,
            "fingerprints": [one.wire() for one in decision.content.fingerprints],
            "categories": list(decision.content.categories),
            "advice": advice,
            "admitted_by": list(decision.admitted_by),
            "at": instant(at),
        }
    )


def withdrawal_body(*, item: UUID, at: datetime) -> str:
    """Return the body of a withdrawal: it repeats no fingerprint."""
    return canonical({"operation": "withdraw", "item": str(item), "at": instant(at)})


def redaction_body(*, item: UUID, positions: Sequence[int], at: datetime) -> str:
    """Return the body of a redaction: the positions whose texts it erases."""
    return canonical(
        {"operation": "redact", "item": str(item), "positions": sorted(positions), "at": instant(at)},
    )


def content_of(body: str) -> Content:
    """Return what the body of an admission or amendment says."""
    fields = json.loads(body)
    fingerprints = tuple(
        Fingerprint(one["algorithm"], bytes.fromhex(one["value"]), one.get("quality")) for one in fields["fingerprints"]
    )
    return Content(fingerprints, tuple(fields["categories"]))
