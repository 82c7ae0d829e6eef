"""What each role may do, which part of its organisation's rights that is, and until when a certificate holds.

A person may do what their role *and* their organisation's kind allow. Days are days in UTC, wherever somebody works, so
that every process of every hub counts alike.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Literal, TypeVar, get_args

from staydown_hub.rules.access import Scope, effective_scopes, scopes_of_kind

Role = Literal["reporter", "assessor", "supervisor", "auditor", "administrator"]
Deed = Literal[
    "report",
    "assess",
    "see addresses",
    "read audit",
    "manage people",
    "manage keys",
    "propose withdrawal",
    "approve withdrawal",
    "propose redaction",
    "approve redaction",
    "propose organisation",
    "approve organisation",
    "propose rule",
    "approve rule",
    "propose export",
    "approve export",
]

_Value = TypeVar("_Value", bound=str)

ROLES: Final[tuple[Role, ...]] = get_args(Role)
DEEDS: Final[tuple[Deed, ...]] = get_args(Deed)

_DEEDS_OF_ROLE: Final[dict[Role, frozenset[Deed]]] = {
    "reporter": frozenset({"report"}),
    "assessor": frozenset({"report", "assess", "see addresses", "propose withdrawal"}),
    "supervisor": frozenset(
        {
            "report",
            "assess",
            "see addresses",
            "propose withdrawal",
            "approve withdrawal",
            "propose redaction",
            "approve redaction",
            "propose organisation",
            "approve organisation",
            "propose rule",
            "approve rule",
            "propose export",
            "approve export",
        }
    ),
    "auditor": frozenset({"read audit", "propose export", "approve export"}),
    "administrator": frozenset({"manage people", "manage keys", "propose organisation", "approve organisation"}),
}
# The part of the organisation's rights that a role has on the pages, and through a key that acts for such a person.
_SCOPES_OF_ROLE: Final[dict[Role, frozenset[Scope]]] = {
    "reporter": frozenset({"report", "filter"}),
    "assessor": frozenset({"report", "assess", "withdraw", "read", "filter", "figures"}),
    "supervisor": frozenset({"report", "assess", "withdraw", "read", "filter", "figures"}),
    "auditor": frozenset({"read", "filter", "figures"}),
    "administrator": frozenset({"filter", "figures"}),
}
# What an organisation's kind must be allowed for its people to do a deed at all; other deeds are any kind's.
_SCOPE_OF_DEED: Final[dict[Deed, Scope]] = {
    "report": "report",
    "assess": "assess",
    "see addresses": "assess",
    "read audit": "read",
    "propose withdrawal": "withdraw",
    "approve withdrawal": "withdraw",
    "propose redaction": "withdraw",
    "approve redaction": "withdraw",
    "propose organisation": "withdraw",
    "approve organisation": "withdraw",
    "propose rule": "withdraw",
    "approve rule": "withdraw",
    "propose export": "read",
    "approve export": "read",
}


@dataclass(frozen=True, slots=True)
class Training:
    """The days between which a certificate holds: from ``issued_on`` up to, and no longer on, ``expires_on``."""

    issued_on: date
    expires_on: date


def role_called(name: str) -> Role:
    """Return the role with this name. Raises ValueError."""
    for known in ROLES:
        if known == name:
            return known
    raise ValueError(f"A role is one of {', '.join(ROLES)}.")


def may(*, role: str, kind: str, deed: Deed) -> bool:
    """Tell whether somebody of this role in an organisation of this kind may do this; an unknown role may nothing."""
    needed = _SCOPE_OF_DEED.get(deed)
    return deed in _of_role(_DEEDS_OF_ROLE, role) and (needed is None or needed in scopes_of_kind(kind))


def scopes_of_person(*, role: str, kind: str) -> frozenset[Scope]:
    """Return which of the scopes of the organisation's kind this role has."""
    return scopes_of_kind(kind) & _of_role(_SCOPES_OF_ROLE, role)


def scopes_of_key(*, kind: str, granted: frozenset[str], role: str | None) -> frozenset[Scope]:
    """Return what a key may do: what it was granted, as far as its organisation's kind still allows it.

    ``role`` is that of the person for whom it acts, if it names one: it can do no more than they.
    """
    scopes = effective_scopes(kind=kind, granted=granted)
    return scopes if role is None else scopes & scopes_of_person(role=role, kind=kind)


def needs_training(deed: Deed) -> bool:
    """Tell whether the deed is for those alone who hold a certificate that is valid on the day."""
    return deed == "assess"


def is_trained(trainings: Collection[Training], *, at: datetime) -> bool:
    """Tell whether any of the certificates is valid at this instant, by the day in UTC."""
    day = at.astimezone(UTC).date()
    return any(one.issued_on <= day < one.expires_on for one in trainings)


def _of_role(table: dict[Role, frozenset[_Value]], role: str) -> frozenset[_Value]:
    for known, allowed in table.items():
        if known == role:
            return allowed
    return frozenset()
