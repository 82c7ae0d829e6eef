"""The states of a request: which event may follow, who may cause it, by when it must be answered, and what comes next.

One table says it all: services ask it, the documentation draws it, and a Hypothesis state machine walks it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

State = Literal["unaddressed", "open", "sending", "sent", "overdue", "gone", "returned", "retracting", "cancelled"]
Event = Literal[
    "opened",
    "addressed",
    "sending_begun",
    "notice_sent",
    "undeliverable",
    "deadline_passed",
    "seen_gone",
    "seen_up",
    "withdrawn",
    "readmitted",
    "retraction_sent",
]
Role = Literal["list", "worker"]  # what is done to the lists, by members; and what the hub's own jobs do
Outcome = Literal["up", "gone", "moved", "unclear", "unreachable", "refused"]

STATES: Final[tuple[State, ...]] = get_args(State)
EVENTS: Final[tuple[Event, ...]] = get_args(Event)
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)

MEANING: Final[dict[State, str]] = {
    "unaddressed": "no organisation with a contact answers for the host: people must act",
    "open": "somebody answers for the host; the notice is about to be sent",
    "sending": "a notice is being sent; until that is known, it may have arrived",
    "sent": "the recipient has the notice and time until the deadline",
    "overdue": "the deadline has passed and the item was not seen gone",
    "gone": "the item was seen gone; looked at again, ever more rarely, in case it comes back",
    "returned": "it was gone and is back; a new notice is about to be sent",
    "retracting": "the entry was withdrawn after a notice may have arrived; a retraction is being sent",
    "cancelled": "nothing is asked of anybody",
}

ANSWER_WITHIN: Final = timedelta(hours=48)
# A return is looked for after these times, the last of them again and again.
WATCH_FOR_RETURN: Final = (timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=30))
# Longer than a mail server may keep us waiting: a worker that is not done by then was killed.
SEND_WITHIN: Final = timedelta(minutes=2)
# After so many failed mails in a row, some eight minutes, people are told, and the address is looked at all the same.
FAILED_MAILS_UNTIL_STUCK: Final = 5
_RETRY_AFTER: Final = timedelta(seconds=30)
_RETRY_AT_MOST_AFTER: Final = timedelta(hours=1)
_MOST_DOUBLINGS: Final = 7


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table.

    ``state`` is None before the request exists; ``notified`` is set where it matters whether a
    notice may stand.
    """

    state: State | None
    event: Event
    by: tuple[Role, ...]
    next: State
    deadline: timedelta | None = None
    notified: bool | None = None


_LIST: Final[tuple[Role, ...]] = ("list",)
_WORKER: Final[tuple[Role, ...]] = ("worker",)
_EITHER: Final[tuple[Role, ...]] = ("list", "worker")

TABLE: Final[tuple[Step, ...]] = (
    Step(None, "opened", _LIST, "unaddressed"),
    Step("unaddressed", "addressed", _EITHER, "open"),
    Step("unaddressed", "seen_gone", _WORKER, "gone"),
    Step("unaddressed", "withdrawn", _LIST, "cancelled"),
    Step("open", "sending_begun", _WORKER, "sending"),
    # The entry was withdrawn and admitted again while the mail was on its way.
    Step("open", "notice_sent", _WORKER, "sent", deadline=ANSWER_WITHIN),
    Step("open", "undeliverable", _WORKER, "unaddressed"),
    Step("open", "withdrawn", _LIST, "retracting", notified=True),
    Step("open", "withdrawn", _LIST, "cancelled", notified=False),
    Step("sending", "notice_sent", _WORKER, "sent", deadline=ANSWER_WITHIN),
    Step("sending", "undeliverable", _WORKER, "unaddressed"),
    Step("sending", "seen_gone", _WORKER, "gone"),
    Step("sending", "withdrawn", _LIST, "retracting"),
    Step("sent", "deadline_passed", _WORKER, "overdue"),
    Step("sent", "seen_gone", _WORKER, "gone"),
    Step("sent", "withdrawn", _LIST, "retracting"),
    Step("overdue", "seen_gone", _WORKER, "gone"),
    Step("overdue", "withdrawn", _LIST, "retracting"),
    Step("gone", "seen_up", _WORKER, "returned", notified=True),
    Step("gone", "seen_up", _WORKER, "unaddressed", notified=False),
    Step("gone", "withdrawn", _LIST, "retracting", notified=True),
    Step("gone", "withdrawn", _LIST, "cancelled", notified=False),
    Step("returned", "sending_begun", _WORKER, "sending"),
    Step("returned", "withdrawn", _LIST, "retracting"),
    # The notice was on its way when the entry was withdrawn: its retraction follows it.
    Step("retracting", "notice_sent", _WORKER, "retracting"),
    Step("retracting", "retraction_sent", _WORKER, "cancelled"),
    Step("retracting", "undeliverable", _WORKER, "cancelled"),
    Step("retracting", "readmitted", _LIST, "open"),
    Step("cancelled", "readmitted", _LIST, "unaddressed"),
)


class ForbiddenStepError(Exception):
    """This event may not happen to a request in this state, or not through this role."""

    def __init__(self, *, state: State | None, event: Event, by: Role) -> None:
        super().__init__(f"A request in the state {state} does not take the event {event} from the {by}: look again.")


def next_state(*, state: State | None, event: Event, by: Role, notified: bool) -> Step:
    """Return the row that says what the event leads to. Raises ForbiddenStepError when there is none."""
    for step in TABLE:
        if step.state == state and step.event == event and by in step.by and step.notified in {None, notified}:
            return step
    raise ForbiddenStepError(state=state, event=event, by=by)


def notified_after(step: Step, *, notified: bool) -> bool:
    """Return whether a notice may stand after this step: from the moment one is begun until nobody holds one."""
    if step.event in {"sending_begun", "notice_sent"}:
        return True
    return notified and step.next not in {"unaddressed", "cancelled"}


def may_happen(*, state: State, event: Event) -> bool:
    """Tell whether a request in this state takes the event from anybody."""
    return any(step.state == state and step.event == event for step in TABLE)


def takes_mail(state: State) -> bool:
    """Tell whether a mail is to be sent in this state."""
    return state in {"open", "sending", "returned", "retracting"}


def takes_checks(state: State) -> bool:
    """Tell whether the address is looked at in this state; while a notice is being sent, once that is stuck."""
    return state in {"unaddressed", "sending", "sent", "overdue", "gone"}


def event_of_check(*, state: State, outcome: Outcome) -> Event | None:
    """Return what a check's outcome means for a request in this state; only what was seen means anything."""
    seen: dict[Outcome, Event] = {"gone": "seen_gone", "up": "seen_up"}
    event = seen.get(outcome)
    return event if event and may_happen(state=state, event=event) else None


def outcome_of_status(status: int) -> Outcome:
    """Return what an HTTP status says about the address; a redirect is not followed, so it is no answer."""
    if status in {404, 410, 451}:
        return "gone"
    families: dict[int, Outcome] = {2: "up", 3: "moved"}
    return families.get(status // 100, "unclear")


def due_at(
    *, state: State, at: datetime, deadline_at: datetime | None, checks: int, check_interval: timedelta
) -> datetime | None:
    """Return when the worker must next see to a request, seen from ``at``; None when never.

    ``checks`` counts the checks made in this state.
    """
    if state == "cancelled":
        return None
    if takes_mail(state):
        return at + SEND_WITHIN if state == "sending" else at
    if state == "gone":
        return at + WATCH_FOR_RETURN[min(checks, len(WATCH_FOR_RETURN) - 1)]
    next_check_at = at + check_interval
    return min(next_check_at, deadline_at) if state == "sent" and deadline_at else next_check_at


def retry_after(attempts: int) -> timedelta:
    """Return how long to wait after so many failed mails in a row: half a minute after the first, at most an hour."""
    return min(_RETRY_AFTER * (1 << min(attempts - 1, _MOST_DOUBLINGS)), _RETRY_AT_MOST_AFTER)


def is_mail_stuck(failed_mails: int) -> bool:
    """Tell whether so many failed mails in a row are more than a mail server that is away for a moment."""
    return failed_mails >= FAILED_MAILS_UNTIL_STUCK


def diagram() -> str:
    """Return the table as a Mermaid state diagram."""
    return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in _edges()), "    cancelled --> [*]"])


def _edges() -> Iterator[str]:
    for step in TABLE:
        conditions = {None: [], True: ["notified"], False: ["not notified"]}[step.notified]
        deadline = [f"deadline {step.deadline // timedelta(hours=1)} h"] if step.deadline else []
        notes = ", ".join([*conditions, *deadline, f"by {' or '.join(step.by)}"])
        yield f"{step.state or '[*]'} --> {step.next}: {step.event} ({notes})"
