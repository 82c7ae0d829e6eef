"""Who sits on a panel and when it has decided, as tables."""

import pytest
from staydown_hub.rules.access import KINDS
from staydown_hub.rules.panel import decision_of, may_sit


@pytest.mark.parametrize("kind", KINDS)
def test_who_judges_items_sits_once_and_not_on_what_it_judged(kind: str) -> None:
    judges = kind in {"police", "support_centre", "regulator", "monitor"}
    assert may_sit(kind=kind, has_ever_assessed=False, has_voted=False) is judges
    assert not may_sit(kind=kind, has_ever_assessed=True, has_voted=False)
    assert not may_sit(kind=kind, has_ever_assessed=False, has_voted=True)


@pytest.mark.parametrize(
    ("votes", "decision"),
    [
        ([], None),
        ([True], None),
        ([False], None),
        ([True, False], None),
        ([True, True], True),
        ([False, False], False),
        ([True, False, True], True),
        ([False, True, False], False),
    ],
)
def test_two_of_three_decide(votes: list[bool], *, decision: bool | None) -> None:
    assert decision_of(votes) is decision
