"""A dispute's states, clock and parties as tables."""

from datetime import UTC, datetime, timedelta

import pytest
from staydown_hub.rules.access import KINDS
from staydown_hub.rules.disputes import (
    STATES,
    TABLE,
    State,
    Told,
    deadline_of,
    is_overdue,
    is_wrong,
    may_review,
    next_state,
    share_wrong,
    state_of,
)

AT = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WRONG, RIGHT = (False, AT + 2 * DAY), (True, AT + 2 * DAY)
APPEALED = AT + 5 * DAY


@pytest.mark.parametrize(
    ("told", "state", "due_day"),
    [
        (Told(AT), "open", 7),
        (Told(AT, (WRONG,)), "upheld", 16),
        (Told(AT, (RIGHT,)), "rejected", 16),
        (Told(AT, (WRONG,), APPEALED), "appealed", 12),
        (Told(AT, (RIGHT,), APPEALED), "appealed", 12),
        (Told(AT, (WRONG, RIGHT), APPEALED), "rejected_finally", None),
        (Told(AT, (RIGHT, WRONG), APPEALED), "upheld_finally", None),
        (Told(AT, (WRONG, WRONG), APPEALED), "upheld_finally", None),
    ],
)
def test_states_and_deadlines(told: Told, state: State, due_day: int | None) -> None:
    assert state_of(told) == state
    assert deadline_of(told) == (None if due_day is None else AT + due_day * DAY)
    late = AT + 100 * DAY
    assert is_overdue(told, now=late) is (state in {"open", "appealed"})
    assert not is_overdue(told, now=AT + 6 * DAY)


def test_every_state_is_reached_and_the_last_are_left_by_nothing() -> None:
    assert {step.next for step in TABLE} | {"open"} == set(STATES)
    assert {step.state for step in TABLE} == {"open", "upheld", "rejected", "appealed"}


@pytest.mark.parametrize("state", STATES)
def test_who_took_part_never_rules_and_only_the_loser_appeals(state: State) -> None:
    for event in ("entry_wrong", "entry_right"):
        assert next_state(state=state, event=event, by="carrier") is None
        assert next_state(state=state, event=event, by="disputer") is None
        assert (next_state(state=state, event=event, by="other") is not None) is (state in {"open", "appealed"})
    assert next_state(state=state, event="appealed", by="other") is None
    assert (next_state(state=state, event="appealed", by="carrier") == "appealed") is (state == "upheld")
    assert (next_state(state=state, event="appealed", by="disputer") == "appealed") is (state == "rejected")


@pytest.mark.parametrize("state", STATES)
def test_what_counts_as_wrong(state: State) -> None:
    assert is_wrong(state) is state.startswith("upheld")


@pytest.mark.parametrize("kind", KINDS)
def test_who_reviews(kind: str) -> None:
    judges = kind in {"police", "support_centre", "regulator", "monitor"}
    assert may_review(kind=kind, took_part=False, has_ruled=False) is judges
    assert not may_review(kind=kind, took_part=True, has_ruled=False)
    assert not may_review(kind=kind, took_part=False, has_ruled=True)


def test_how_often_entries_were_wrong() -> None:
    assert share_wrong(upheld=0, admissions=0) is None
    assert share_wrong(upheld=1, admissions=4) == 0.25
