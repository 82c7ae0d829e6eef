"""Which kind of organisation may ever hold which scope; a key can only narrow this."""

from typing import Final, Literal, get_args

Kind = Literal[
    "police",
    "support_centre",
    "monitor",
    "regulator",
    "platform",
    "carrier",
    "partner_hub",
    "oversight",
]
Scope = Literal["report", "assess", "withdraw", "read", "filter", "figures"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

_SCOPES_OF_KIND: Final[dict[Kind, frozenset[Scope]]] = {
    "police": frozenset({"report", "assess", "withdraw", "read", "figures"}),
    "support_centre": frozenset({"report", "assess", "withdraw", "read", "figures"}),
    "regulator": frozenset({"assess", "withdraw", "read", "figures"}),
    "monitor": frozenset({"report", "assess", "read"}),
    "platform": frozenset({"filter", "report"}),
    "carrier": frozenset({"filter"}),
    "oversight": frozenset({"read", "figures"}),
    "partner_hub": frozenset(),
}


def scopes_of_kind(kind: str) -> frozenset[Scope]:
    """Return every scope an organisation of this kind may ever hold; an unknown kind may hold none."""
    for known, scopes in _SCOPES_OF_KIND.items():
        if known == kind:
            return scopes
    return frozenset()


def effective_scopes(*, kind: str, granted: frozenset[str]) -> frozenset[Scope]:
    """Return what a key may do: what it was granted, as far as its organisation's kind still allows it."""
    return frozenset(scope for scope in scopes_of_kind(kind) if scope in granted)


def scopes_beyond_kind(*, kind: str, wanted: frozenset[str]) -> frozenset[str]:
    """Return those of the wanted scopes that an organisation of this kind can never hold."""
    return wanted - scopes_of_kind(kind)
