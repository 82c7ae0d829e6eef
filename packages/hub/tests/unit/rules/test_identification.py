"""Who sees cases, whom a match concerns, and what a reference may be: the tables, written out a second time."""

import pytest
from staydown_hub.rules.access import KINDS
from staydown_hub.rules.identification import (
    STATUSES,
    WORDS,
    BadReferenceError,
    check_reference,
    concerns_the_unit,
    may_see_cases,
)


def test_police_alone() -> None:
    assert [kind for kind in KINDS if may_see_cases(kind)] == ["police"]
    assert not may_see_cases("anything else")


def test_whom_a_match_concerns() -> None:
    assert {status: concerns_the_unit(status) for status in STATUSES} == {
        "unidentified": False,
        "being_identified": True,
        "identified": True,
    }
    assert set(WORDS) == set(STATUSES)


@pytest.mark.parametrize("reference", ["", "1", "17/2026", "A-1.b_2", "x" * 64])
def test_a_file_number_is_taken(reference: str) -> None:
    assert check_reference(reference) == reference


@pytest.mark.parametrize("reference", [" 1", "-1", "x" * 65, "a@b.example", "https://host.example", "ä", "a\nb", "1;2"])
def test_what_is_no_file_number_is_refused_and_not_repeated(reference: str) -> None:
    with pytest.raises(BadReferenceError) as caught:
        check_reference(reference)
    assert reference not in str(caught.value)
