"""What each role may do, and until when a certificate holds."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from staydown_hub.rules.access import KINDS, scopes_of_kind
from staydown_hub.rules.people import DEEDS, ROLES, Training, is_trained, may, needs_training, scopes_of_person

# In an organisation of the police, which may do most.
MAY = {
    "reporter": {"report"},
    "assessor": {"report", "assess", "see addresses", "propose withdrawal"},
    "supervisor": set(DEEDS) - {"read audit", "manage people", "manage keys"},
    "auditor": {"read audit", "propose export", "approve export"},
    "administrator": {"manage people", "manage keys", "propose organisation", "approve organisation"},
}
SCOPES = {
    "reporter": {"report"},
    "assessor": {"report", "assess", "withdraw", "read", "figures"},
    "supervisor": {"report", "assess", "withdraw", "read", "figures"},
    "auditor": {"read", "figures"},
    "administrator": {"figures"},
}


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_may_do_among_the_police(role: str) -> None:
    assert {deed for deed in DEEDS if may(role=role, kind="police", deed=deed)} == MAY[role]
    assert scopes_of_person(role=role, kind="police") == SCOPES[role]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ROLES)
def test_no_role_goes_beyond_its_organisations_kind(role: str, kind: str) -> None:
    scopes = scopes_of_kind(kind)
    assert scopes_of_person(role=role, kind=kind) <= scopes
    if "assess" not in scopes:
        assert not may(role=role, kind=kind, deed="assess")
        assert not may(role=role, kind=kind, deed="see addresses")
    if "withdraw" not in scopes:
        assert not any(may(role=role, kind=kind, deed=deed) for deed in DEEDS if "withdrawal" in deed or "rule" in deed)


def test_an_unknown_role_or_kind_may_nothing() -> None:
    assert not any(may(role="analyst", kind="police", deed=deed) for deed in DEEDS)
    assert scopes_of_person(role="", kind="police") == scopes_of_person(role="assessor", kind="club") == frozenset()
    assert not may(role="assessor", kind="club", deed="assess")


def test_every_organisation_can_administer_itself() -> None:
    assert all(may(role="administrator", kind=kind, deed="manage keys") for kind in KINDS)


@pytest.mark.parametrize(
    ("at", "trained"),
    [
        (datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 2, 0, 0, tzinfo=UTC), True),
        (datetime(2027, 3, 1, 23, 59, 59, 999999, tzinfo=UTC), True),
        (datetime(2027, 3, 2, 0, 0, tzinfo=UTC), False),
        # The same instant is another day in Seoul; the day in UTC counts.
        (datetime(2027, 3, 2, 8, 59, tzinfo=timezone(timedelta(hours=9))), True),
        (datetime(2026, 3, 2, 8, 0, tzinfo=timezone(timedelta(hours=9))), False),
    ],
)
def test_a_certificate_holds_from_its_first_day_to_the_end_of_the_day_before_its_last(
    at: datetime, *, trained: bool
) -> None:
    training = Training(issued_on=date(2026, 3, 2), expires_on=date(2027, 3, 2))
    assert is_trained([training], at=at) == trained
    assert is_trained([training, Training(date(2020, 1, 1), date(2021, 1, 1))], at=at) == trained
    assert not is_trained([], at=at)


def test_only_assessing_asks_for_training() -> None:
    assert {deed for deed in DEEDS if needs_training(deed)} == {"assess"}
