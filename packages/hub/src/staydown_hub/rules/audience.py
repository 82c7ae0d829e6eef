"""Who may follow a list: one function computes it for the API, the feed and the pages."""

from collections.abc import Collection

from staydown_hub.rules.access import Scope


def may_follow(*, kind: str, scopes: Collection[Scope], audience_kinds: Collection[str]) -> bool:
    """Tell whether an organisation of this kind, with these effective scopes, receives a list with this audience."""
    return kind in audience_kinds and not {"filter", "read"}.isdisjoint(scopes)
