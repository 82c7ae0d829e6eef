"""The table of a request's states: complete, without a doubt about what follows, and drawn as it is."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from staydown_hub.rules import takedown as rules

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
INTERVAL = timedelta(minutes=15)
DOCUMENT = Path(__file__).parents[5] / "docs" / "explanation" / "takedown.md"


def test_every_state_is_reached_and_has_a_meaning() -> None:
    assert {step.next for step in rules.TABLE} == set(rules.STATES)
    assert set(rules.MEANING) == set(rules.STATES)


def test_every_event_happens_somewhere() -> None:
    assert {step.event for step in rules.TABLE} == set(rules.EVENTS)


def test_no_event_leads_to_two_places() -> None:
    answers = Counter(
        (step.state, step.event, notified)
        for step in rules.TABLE
        for notified in (True, False)
        if step.notified in {None, notified}
    )
    assert set(answers.values()) == {1}


def test_a_condition_is_given_for_both_answers() -> None:
    conditional = [step for step in rules.TABLE if step.notified is not None]
    assert len(conditional) == 2 * len({(step.state, step.event) for step in conditional})


@pytest.mark.parametrize("state", sorted(set(rules.STATES) - {"retracting", "cancelled"}))
@pytest.mark.parametrize("notified", [True, False])
def test_whatever_is_asked_can_be_withdrawn(state: rules.State, notified: bool) -> None:  # noqa: FBT001
    step = rules.next_state(state=state, event="withdrawn", by="list", notified=notified)
    assert step.next in {"retracting", "cancelled"}


@pytest.mark.parametrize("state", ["sending", "sent", "overdue", "returned"])
def test_where_a_notice_may_have_arrived_its_withdrawal_is_told(state: rules.State) -> None:
    assert rules.next_state(state=state, event="withdrawn", by="list", notified=True).next == "retracting"


def test_only_what_happens_to_lists_withdraws_and_only_jobs_send() -> None:
    with pytest.raises(rules.ForbiddenStepError, match="withdrawn from the worker"):
        rules.next_state(state="sent", event="withdrawn", by="worker", notified=True)
    with pytest.raises(rules.ForbiddenStepError):
        rules.next_state(state="open", event="sending_begun", by="list", notified=False)


def test_what_is_not_in_the_table_is_refused() -> None:
    for state, event in product(rules.STATES, rules.EVENTS):
        if not rules.may_happen(state=state, event=event):
            with pytest.raises(rules.ForbiddenStepError):
                rules.next_state(state=state, event=event, by="worker", notified=True)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "up"),
        (206, "up"),
        (299, "up"),
        (300, "moved"),
        (301, "moved"),
        (308, "moved"),
        (404, "gone"),
        (410, "gone"),
        (451, "gone"),
        (400, "unclear"),
        (401, "unclear"),
        (403, "unclear"),
        (405, "unclear"),
        (429, "unclear"),
        (500, "unclear"),
        (503, "unclear"),
        (100, "unclear"),
        (999, "unclear"),
    ],
)
def test_what_a_status_says(status: int, outcome: rules.Outcome) -> None:
    assert rules.outcome_of_status(status) == outcome


@pytest.mark.parametrize("state", rules.STATES)
@pytest.mark.parametrize("outcome", ["moved", "unclear", "unreachable", "refused"])
def test_gone_must_be_seen(state: rules.State, outcome: rules.Outcome) -> None:
    assert rules.event_of_check(state=state, outcome=outcome) is None


def test_what_checks_change() -> None:
    seen = {
        (state, outcome): event
        for state, outcome in product(rules.STATES, rules.OUTCOMES)
        if (event := rules.event_of_check(state=state, outcome=outcome))
    }
    assert seen == {
        ("unaddressed", "gone"): "seen_gone",
        ("sending", "gone"): "seen_gone",
        ("sent", "gone"): "seen_gone",
        ("overdue", "gone"): "seen_gone",
        ("gone", "up"): "seen_up",
    }


def due(state: rules.State, *, checks: int = 0, deadline_at: datetime | None = None) -> timedelta | None:
    at = rules.due_at(state=state, at=NOW, deadline_at=deadline_at, checks=checks, check_interval=INTERVAL)
    return None if at is None else at - NOW


def test_when_a_request_is_due() -> None:
    assert due("open") == due("returned") == due("retracting") == timedelta()
    assert due("sending") == rules.SEND_WITHIN
    assert due("unaddressed") == due("overdue") == due("sent") == INTERVAL
    assert due("cancelled") is None


def test_the_deadline_is_not_slept_through() -> None:
    assert due("sent", deadline_at=NOW + timedelta(minutes=1)) == timedelta(minutes=1)
    assert due("overdue", deadline_at=NOW - timedelta(minutes=1)) == INTERVAL


def test_a_return_is_looked_for_ever_more_rarely() -> None:
    days = [(due("gone", checks=checks) or timedelta()) / timedelta(days=1) for checks in range(6)]
    assert days == [1 / 24, 1, 7, 30, 30, 30]


def test_mails_are_stuck_after_a_while_and_not_at_once() -> None:
    until = sum(rules.retry_after(attempts).total_seconds() for attempts in range(1, rules.FAILED_MAILS_UNTIL_STUCK))
    assert 5 * 60 < until < 15 * 60
    assert not rules.is_mail_stuck(rules.FAILED_MAILS_UNTIL_STUCK - 1)
    assert rules.is_mail_stuck(rules.FAILED_MAILS_UNTIL_STUCK)


def test_failed_mails_are_tried_again_ever_more_rarely() -> None:
    waits = [rules.retry_after(attempts).total_seconds() for attempts in (1, 2, 3, 7, 8, 100)]
    assert waits == [30, 60, 120, 1920, 3600, 3600]


def test_mail_and_checks_share_no_state_but_one_that_can_be_stuck() -> None:
    others = set(rules.STATES) - {"cancelled", "sending"}
    assert all(rules.takes_mail(state) != rules.takes_checks(state) for state in others)
    assert rules.takes_mail("sending")
    assert rules.takes_checks("sending")
    assert not rules.takes_mail("cancelled")
    assert not rules.takes_checks("cancelled")


def test_the_document_shows_the_table() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    drawn = text.partition("```mermaid\n")[2].partition("\n```")[0]
    assert drawn == rules.diagram()
    for state, meaning in rules.MEANING.items():
        assert f"| `{state}` | {meaning} |" in text
