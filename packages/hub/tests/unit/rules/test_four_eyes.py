"""Who is a second pair of eyes: as a table, and for every act that nobody is their own."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from staydown_hub.rules.access import KINDS, scopes_of_kind
from staydown_hub.rules.four_eyes import ACTS, DEMANDS, Act, Hand, Proposed, may_approve, may_propose
from staydown_hub.rules.people import ROLES, scopes_of_person

POLICE, CENTRE = uuid4(), uuid4()
ANA, BEN = uuid4(), uuid4()


def person(who: UUID = BEN, *, of: UUID = POLICE, role: str = "supervisor", kind: str = "police") -> Hand:
    return Hand(of, kind, who, role, is_key=False, scopes=scopes_of_person(role=role, kind=kind))


def key(*, of: UUID = CENTRE, kind: str = "support_centre", acts_for: UUID | None = None) -> Hand:
    return Hand(of, kind, acts_for, None, is_key=True, scopes=scopes_of_kind(kind))


def proposed(
    act: Act = "withdraw entry", *, barred: tuple[UUID, ...] = (ANA,), is_holder_known: bool = True
) -> Proposed:
    return Proposed(act, POLICE, frozenset(barred), is_holder_known=is_holder_known)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("role", ROLES)
def test_nobody_approves_their_own_whatever_their_role(act: Act, role: str) -> None:
    assert not may_approve(proposed(act), person(ANA, role=role))
    assert not may_approve(proposed(act), person(ANA, of=CENTRE, role=role))
    assert not may_approve(proposed(act), key(acts_for=ANA))


@pytest.mark.parametrize("act", ACTS)
def test_nobody_makes_their_own_second_person(act: Act) -> None:
    other = person(of=CENTRE, kind="support_centre")
    assert may_approve(proposed(act), other)
    assert not may_approve(proposed(act), other, raised_by=[ANA])
    assert may_approve(proposed(act), other, raised_by=[uuid4()])


@pytest.mark.parametrize(
    ("act", "roles"),
    [
        ("withdraw entry", {"supervisor"}),
        ("redact entry", {"supervisor"}),
        ("add organisation", {"supervisor", "administrator"}),
        ("change rule", {"supervisor"}),
        ("export", {"supervisor", "auditor"}),
    ],
)
def test_which_roles_are_a_second_pair(act: Act, roles: set[str]) -> None:
    found = {role for role in ROLES if may_approve(proposed(act), person(of=CENTRE, kind="support_centre", role=role))}
    assert found == roles


@pytest.mark.parametrize("act", ACTS)
def test_some_acts_take_two_organisations(act: Act) -> None:
    within = may_approve(proposed(act), person())
    assert within == (act in {"withdraw entry", "export"}) == (not DEMANDS[act].by_two_organisations)


def test_a_key_of_unknown_hands_needs_another_organisation() -> None:
    unknown = proposed(is_holder_known=False, barred=())
    assert not may_approve(unknown, person())
    assert may_approve(unknown, person(of=CENTRE, kind="support_centre"))


@pytest.mark.parametrize("act", ACTS)
def test_a_key_approves_withdrawals_of_another_organisation_alone(act: Act) -> None:
    assert may_approve(proposed(act), key()) == (act == "withdraw entry")
    assert not may_approve(proposed(act), key(of=POLICE, kind="police"))
    assert not may_approve(replace(proposed(act), organisation=None), key())
    assert not may_approve(proposed(act), key(kind="monitor"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("act", ACTS)
def test_no_kind_proposes_or_approves_what_it_may_never_do(act: Act, kind: str) -> None:
    needed = "read" if act == "export" else "withdraw"
    for role in ROLES:
        hand = person(of=CENTRE, role=role, kind=kind)
        if needed not in scopes_of_kind(kind) and "organisation" not in act:
            assert not may_propose(act, hand)
            assert not may_approve(proposed(act), hand)
    assert may_propose(act, key(kind=kind)) == (act == "withdraw entry" and "withdraw" in scopes_of_kind(kind))


def test_what_the_operator_proposes_anyone_who_may_approves() -> None:
    operator = Proposed("add organisation", None, frozenset(), is_holder_known=True)
    assert may_approve(operator, person(role="administrator"))
    assert not may_approve(operator, person(role="assessor"))
