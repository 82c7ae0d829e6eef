"""Who may follow a list: one function computes it for the API, the feed and the pages."""

from collections.abc import Collection

from staydown_hub.rules.access import Scope, scopes_of_kind


def may_follow(*, kind: str, scopes: Collection[Scope], audience_kinds: Collection[str]) -> bool:
    """Tell whether an organisation of this kind, with these effective scopes, receives a list with this audience."""
    return kind in audience_kinds and not {"filter", "read"}.isdisjoint(scopes)


def may_see_enforcement(*, kind: str, scopes: Collection[Scope], audience_kinds: Collection[str]) -> bool:
    """Tell whether an organisation may see which platforms enforce a list: its audience, and who oversees them all."""
    return "read" in scopes and (kind in audience_kinds or kind in {"regulator", "oversight"})


def kinds_that_enforce(audience_kinds: Collection[str]) -> frozenset[str]:
    """Return the kinds in a list's audience that run filters, and so owe receipts."""
    return frozenset(kind for kind in audience_kinds if "filter" in scopes_of_kind(kind))
