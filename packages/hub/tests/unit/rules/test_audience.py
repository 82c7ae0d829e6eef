"""Who follows a list."""

import pytest
from staydown_hub.rules.access import Scope
from staydown_hub.rules.audience import may_follow


@pytest.mark.parametrize(
    ("kind", "scopes", "may"),
    [
        ("platform", {"filter"}, True),
        ("police", {"read"}, True),
        ("platform", {"report"}, False),
        ("platform", set[Scope](), False),
        ("oversight", {"read"}, False),
        ("partner_hub", {"filter"}, False),
    ],
)
def test_kind_and_scope_decide(kind: str, scopes: set[Scope], *, may: bool) -> None:
    assert may_follow(kind=kind, scopes=scopes, audience_kinds=["platform", "police"]) is may
