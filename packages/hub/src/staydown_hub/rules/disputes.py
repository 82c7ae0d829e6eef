"""The states of a dispute about an entry: what may follow, who may do it, and by when.

One table says it all: services ask it, a Hypothesis state machine walks it. ``upheld`` says that the entry was wrong.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

from staydown_hub.rules.access import scopes_of_kind

State = Literal["open", "upheld", "rejected", "appealed", "upheld_finally", "rejected_finally"]
Event = Literal["entry_wrong", "entry_right", "appealed"]
Party = Literal["disputer", "carrier", "other"]

STATES: Final[tuple[State, ...]] = get_args(State)
FINAL: Final[frozenset[State]] = frozenset({"upheld_finally", "rejected_finally"})

REVIEW_WITHIN: Final = timedelta(days=7)
APPEAL_WITHIN: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table: what an event leads to, and on which side whoever causes it must stand."""

    state: State
    event: Event
    by: Party
    next: State


TABLE: Final[tuple[Step, ...]] = (
    Step("open", "entry_wrong", "other", "upheld"),
    Step("open", "entry_right", "other", "rejected"),
    # Whoever the first decision went against may have it looked at once more, by somebody else.
    Step("upheld", "appealed", "carrier", "appealed"),
    Step("rejected", "appealed", "disputer", "appealed"),
    Step("appealed", "entry_wrong", "other", "upheld_finally"),
    Step("appealed", "entry_right", "other", "rejected_finally"),
)


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a dispute: when it began, what was ruled in which round and when, and when it was appealed.

    A ruling is True when the item qualifies, so that the entry is right.
    """

    at: datetime
    rulings: tuple[tuple[bool, datetime], ...] = ()
    appealed_at: datetime | None = None


def state_of(told: Told) -> State:
    """Return where a dispute stands."""
    if len(told.rulings) > 1:
        return "rejected_finally" if told.rulings[1][0] else "upheld_finally"
    if told.appealed_at:
        return "appealed"
    if told.rulings:
        return "rejected" if told.rulings[0][0] else "upheld"
    return "open"


def deadline_of(told: Told) -> datetime | None:
    """Return by when it must be reviewed, or until when it can be appealed; None when it is over."""
    state = state_of(told)
    if state == "open":
        return told.at + REVIEW_WITHIN
    if told.appealed_at and state == "appealed":
        return told.appealed_at + REVIEW_WITHIN
    return None if state in FINAL else told.rulings[0][1] + APPEAL_WITHIN


def is_overdue(told: Told, *, now: datetime) -> bool:
    """Tell whether a reviewer was due and did not come."""
    deadline = deadline_of(told)
    return state_of(told) in {"open", "appealed"} and deadline is not None and deadline < now


def is_wrong(state: State) -> bool:
    """Tell whether the entry counts as wrong now; while an appeal waits the first decision stands."""
    return state in {"upheld", "upheld_finally"}


def next_state(*, state: State, event: Event, by: Party) -> State | None:
    """Return what the event leads to, or None when it may not happen now, or not through this party."""
    for step in TABLE:
        if (step.state, step.event, step.by) == (state, event, by):
            return step.next
    return None


def may_review(*, kind: str, took_part: bool, has_ruled: bool) -> bool:
    """Tell whether an organisation may review: it can judge items, took no part, and did not rule in the first round.

    Who carried the entry or disputed it took part.
    """
    return "assess" in scopes_of_kind(kind) and not took_part and not has_ruled


def share_wrong(*, upheld: int, admissions: int) -> float | None:
    """Return how many of the admissions ever made were found wrong; None when there was none."""
    return upheld / admissions if admissions else None


def counts(states: Collection[State]) -> dict[str, int]:
    """Return how many disputes stand in each state that there are any in."""
    return {state: states_in for state in STATES if (states_in := sum(one == state for one in states))}
