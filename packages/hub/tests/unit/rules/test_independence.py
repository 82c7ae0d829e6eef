"""Who sees others' assessments, and which assessment is a vote of its own: both as tables."""

import pytest
from staydown_hub.rules.access import KINDS
from staydown_hub.rules.independence import hides, is_independent, sees_others

JUDGES = {"police", "support_centre", "regulator", "monitor"}


@pytest.mark.parametrize("kind", KINDS)
def test_who_can_judge_sees_others_only_after(kind: str) -> None:
    assert sees_others(kind=kind, has_assessed=True)
    assert sees_others(kind=kind, has_assessed=False) is (kind not in JUDGES)


@pytest.mark.parametrize(
    ("status", "hidden"),
    [("open", False), ("waiting", True), ("disputed", True), ("admitted", False), ("withdrawn", False)],
)
def test_a_standing_gives_nothing_away(status: str, *, hidden: bool) -> None:
    assert hides(status, sees_others=False) is hidden
    assert not hides(status, sees_others=True)


@pytest.mark.parametrize(
    ("before", "others_judged", "qualifies", "independent"),
    [
        (None, False, True, True),
        (None, True, False, True),
        ((True, True), False, False, True),
        ((True, True), True, True, True),
        ((True, True), True, False, False),
        ((False, True), True, True, False),
        ((True, False), True, True, False),
        ((False, False), True, False, False),
    ],
)
def test_what_was_said_in_sight_of_others_is_no_vote_of_its_own(
    *, before: tuple[bool, bool] | None, others_judged: bool, qualifies: bool, independent: bool
) -> None:
    found = is_independent(before=before, others_judged=others_judged, qualifies=qualifies)
    assert found is independent
