"""Which kind may hold which scope: the table itself, written out a second time."""

import pytest
from staydown_hub.rules.access import KINDS, SCOPES, effective_scopes, scopes_beyond_kind, scopes_of_kind

EXPECTED = {
    "police": {"report", "assess", "withdraw", "read", "figures"},
    "support_centre": {"report", "assess", "withdraw", "read", "figures"},
    "regulator": {"assess", "withdraw", "read", "figures"},
    "monitor": {"report", "assess", "read"},
    "platform": {"filter", "report"},
    "carrier": {"filter"},
    "oversight": {"read", "figures"},
    "partner_hub": set[str](),
}


def test_every_kind_is_in_the_table() -> None:
    assert set(EXPECTED) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_may_hold_just_its_scopes(kind: str) -> None:
    assert scopes_of_kind(kind) == EXPECTED[kind]
    assert scopes_beyond_kind(kind=kind, wanted=frozenset(SCOPES)) == set(SCOPES) - EXPECTED[kind]
    assert effective_scopes(kind=kind, granted=frozenset(SCOPES)) == EXPECTED[kind]
    assert effective_scopes(kind=kind, granted=frozenset()) == set()


def test_an_unknown_kind_may_hold_nothing() -> None:
    assert scopes_of_kind("anybody") == set()
    assert effective_scopes(kind="anybody", granted=frozenset(SCOPES)) == set()


def test_an_unknown_scope_is_beyond_every_kind() -> None:
    assert scopes_beyond_kind(kind="police", wanted=frozenset({"everything", "read"})) == {"everything"}
