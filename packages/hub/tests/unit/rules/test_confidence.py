"""Confidence as a table: votes that saw no other count, each organisation once, and a disagreement is said first."""

from uuid import UUID

import pytest
from staydown_hub.rules.admission import Judgement, ListRule, is_met
from staydown_hub.rules.confidence import confidence_of

A, B, C, D = (UUID(int=number) for number in range(1, 5))


def vote(who: UUID, *, qualifies: bool = True, independent: bool = True) -> Judgement:
    return Judgement(who.int, who, "police", "A1" if qualifies else "NONE", qualifies, independent)


@pytest.mark.parametrize(
    ("judgements", "settled", "grade", "votes"),
    [
        ([], False, "none", 0),
        ([vote(A)], False, "single", 1),
        ([vote(A), vote(B)], False, "confirmed", 2),
        ([vote(A), vote(B), vote(C)], False, "trusted", 3),
        ([vote(A), vote(B), vote(C), vote(D)], False, "trusted", 4),
        ([vote(A), vote(B), vote(C, independent=False)], False, "confirmed", 2),
        ([vote(A, independent=False), vote(B, independent=False)], False, "none", 0),
        ([vote(A), vote(A)], False, "single", 1),
        ([vote(A), vote(B), vote(C), vote(D, qualifies=False)], False, "disputed", 3),
        ([vote(A), vote(B), vote(C), vote(D, qualifies=False)], True, "trusted", 3),
        ([vote(A, qualifies=False)], False, "disputed", 0),
        ([vote(A), vote(B, qualifies=False, independent=False)], False, "disputed", 1),
    ],
)
def test_the_grades(judgements: list[Judgement], grade: str, votes: int, *, settled: bool) -> None:
    found = confidence_of(judgements, settled=settled)
    assert (found.grade, found.votes) == (grade, votes)


@pytest.mark.parametrize(
    ("judgements", "minimum", "met"),
    [
        ([vote(A), vote(B)], 0, True),
        ([vote(A), vote(B)], 2, True),
        ([vote(A), vote(B)], 3, False),
        ([vote(A), vote(B), vote(C)], 3, True),
        ([vote(A), vote(B), vote(C, independent=False)], 3, False),
        ([vote(A, independent=False), vote(B, independent=False)], 0, True),
        ([vote(A, independent=False), vote(B)], 2, False),
        ([vote(A), vote(A)], 1, False),
    ],
)
def test_a_list_may_ask_for_votes(judgements: list[Judgement], minimum: int, *, met: bool) -> None:
    rule = ListRule(2, frozenset({"police"}), frozenset({"A1"}), minimum_votes=minimum)
    assert is_met(rule, judgements) is met
