"""How a filter stands, by its last receipt and what it has not got."""

from datetime import UTC, datetime, timedelta

import pytest
from staydown_hub.rules.audience import kinds_that_enforce, may_see_enforcement
from staydown_hub.rules.enforcement import ReceiptState, Told, enforced_since, progress_of

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=2)


def told(state: ReceiptState = "live", *, ago_s: float = 1, position: int = 5) -> Told:
    return Told(position, state, LONG_AGO if state == "live" else None, NOW - timedelta(seconds=ago_s))


@pytest.mark.parametrize(
    ("one", "missing_for_s", "progress"),
    [
        (told(), None, "live"),
        (told(), 59, "live"),
        (told(), 61, "behind"),
        (told("behind"), None, "behind"),
        (told("behind"), 3, "behind"),
        (told("refused"), 3, "refused"),
        (told("refused", ago_s=299), None, "refused"),
        (told("refused", ago_s=301), None, "silent"),
        (told(ago_s=301), None, "silent"),
        (told("behind", ago_s=301), 5000, "silent"),
    ],
)
def test_a_filter_stands_by_what_it_lacks_and_when_it_spoke(
    one: Told, missing_for_s: float | None, progress: str
) -> None:
    missing_since = None if missing_for_s is None else NOW - timedelta(seconds=missing_for_s)
    assert progress_of(one, missing_since=missing_since, now=NOW) == progress


def test_an_entry_is_enforced_since_it_was_made_or_since_the_filter_became_live() -> None:
    old, fresh = LONG_AGO - timedelta(days=1), NOW - timedelta(minutes=1)
    assert enforced_since(told(), position=5, made_at=fresh, progress="live") == fresh
    assert enforced_since(told(), position=0, made_at=old, progress="live") == LONG_AGO
    assert enforced_since(told(), position=6, made_at=fresh, progress="live") is None
    assert enforced_since(told(), position=5, made_at=fresh, progress="silent") is None
    assert enforced_since(told("refused"), position=5, made_at=fresh, progress="refused") is None
    behind = told("behind")
    assert enforced_since(behind, position=5, made_at=old, progress="behind") == behind.reported_at


def test_who_oversees_sees_enforcement_whatever_the_audience() -> None:
    audience = ["platform", "police"]
    may = {
        kind: may_see_enforcement(kind=kind, scopes=["read"], audience_kinds=audience)
        for kind in ("police", "support_centre", "regulator", "oversight", "platform", "partner_hub")
    }
    assert {kind for kind, is_shown in may.items() if is_shown} == {"police", "regulator", "oversight", "platform"}
    assert not may_see_enforcement(kind="platform", scopes=["filter"], audience_kinds=audience)
    assert kinds_that_enforce([*audience, "carrier", "regulator"]) == {"platform", "carrier"}
