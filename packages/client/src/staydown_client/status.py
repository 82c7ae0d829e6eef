"""How a filter stands, as values that JSON can hold: the list, the policy, and what the platform decided itself."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from staydown_client.filter import Filter


def filter_status(opened: Filter) -> dict[str, Any]:
    """Return the status; raise `FolderError` when the list cannot be read. It holds no fingerprint."""
    verdict = opened.look_up().otherwise
    told = verdict.as_json()
    own = opened.judge.status()
    listed = opened.list_status()
    return {
        "list": opened.list_name,
        "list_position": told["list_position"],
        "list_age_s": told["list_age_s"],
        "list_items": listed.items,
        "live_since": None if listed.live_since is None else _instant(listed.live_since),
        "refusal": None if listed.refusal is None else asdict(listed.refusal),
        "ready": verdict.list_position is not None,
        "degraded": verdict.degraded,
        "policy": asdict(opened.judge.stance().policy),
        "policy_problem": own.policy_problem,
        "silenced": [asdict(entry) for entry in own.silenced],
        "floods": [asdict(flood) for flood in own.floods],
        "matches": None if own.outbox is None else _outbox(asdict(own.outbox)),
        "unrecorded": own.unrecorded,
        "local_problem": own.local_problem,
    }


def _instant(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _outbox(counts: dict[str, Any]) -> dict[str, Any]:
    oldest_at = counts.pop("oldest_at")
    return {**counts, "oldest_age_s": None if oldest_at is None else max(0.0, time.time() - oldest_at)}
