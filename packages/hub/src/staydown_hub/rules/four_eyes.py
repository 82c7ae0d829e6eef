"""Acts that one person alone cannot do: who may propose each, who may approve it, and until when.

The same is said a second time by the database (see the trigger ``proposal_wall``): whoever writes past the services
meets it there.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, get_args
from uuid import UUID

from staydown_hub.rules.access import Scope
from staydown_hub.rules.people import Deed, may

Act = Literal["withdraw entry", "redact entry", "add organisation", "change rule", "export"]
State = Literal["open", "approved", "declined", "taken back", "expired"]

ACTS: Final[tuple[Act, ...]] = get_args(Act)
STATES: Final[tuple[State, ...]] = get_args(State)


@dataclass(frozen=True, slots=True)
class Demand:
    """What one act asks for.

    ``by_two_organisations``: whoever approves is of another organisation than whoever proposed. ``key_scope``: programs
    may propose it, and approve what another organisation proposed, with a key of this scope; None: people only.
    """

    propose: Deed
    approve: Deed
    by_two_organisations: bool
    key_scope: Scope | None
    open_for: timedelta


DEMANDS: Final[dict[Act, Demand]] = {
    "withdraw entry": Demand(
        "propose withdrawal",
        "approve withdrawal",
        by_two_organisations=False,
        key_scope="withdraw",
        open_for=timedelta(days=3),
    ),
    "redact entry": Demand(
        "propose redaction", "approve redaction", by_two_organisations=True, key_scope=None, open_for=timedelta(days=7)
    ),
    "add organisation": Demand(
        "propose organisation",
        "approve organisation",
        by_two_organisations=True,
        key_scope=None,
        open_for=timedelta(days=14),
    ),
    "change rule": Demand(
        "propose rule", "approve rule", by_two_organisations=True, key_scope=None, open_for=timedelta(days=14)
    ),
    "export": Demand(
        "propose export", "approve export", by_two_organisations=False, key_scope=None, open_for=timedelta(days=3)
    ),
}


@dataclass(frozen=True, slots=True)
class Hand:
    """Who acts: a person of this role, or a program (``person`` is then None, or the one for whom its key acts)."""

    organisation: UUID
    kind: str
    person: UUID | None
    role: str | None
    is_key: bool
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class Proposed:
    """What was proposed, and by whom. The operator, who sets the hub up, proposes for no organisation.

    ``barred`` are the people who could have been behind it: the proposer, whoever made the proposing key, whom it acts
    for. ``is_holder_known``: whether that is all who could.
    """

    act: Act
    organisation: UUID | None
    barred: frozenset[UUID]
    is_holder_known: bool


def may_propose(act: Act, hand: Hand) -> bool:
    """Tell whether this hand may propose this act."""
    demand = DEMANDS[act]
    if hand.is_key:
        return demand.key_scope is not None and demand.key_scope in hand.scopes
    return hand.role is not None and may(role=hand.role, kind=hand.kind, deed=demand.propose)


def may_approve(proposed: Proposed, hand: Hand, *, raised_by: Collection[UUID] = ()) -> bool:
    """Tell whether this hand is a second one for what was proposed.

    ``raised_by`` are the people who invited the approver or gave them their role: nobody makes their own second person.
    A key approves only what another organisation proposed, for who holds a key cannot be seen.
    """
    demand = DEMANDS[proposed.act]
    is_another_organisation = hand.organisation != proposed.organisation
    if not is_another_organisation and (demand.by_two_organisations or not proposed.is_holder_known):
        return False
    if hand.person in proposed.barred or not proposed.barred.isdisjoint(raised_by):
        return False
    if hand.is_key:
        is_of_two = is_another_organisation and proposed.organisation is not None
        return is_of_two and demand.key_scope is not None and demand.key_scope in hand.scopes
    return hand.role is not None and may(role=hand.role, kind=hand.kind, deed=demand.approve)
