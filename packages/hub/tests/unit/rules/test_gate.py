"""What the benign gate finds, as a table."""

import pytest
from staydown_hub.rules.fingerprints import Fingerprint
from staydown_hub.rules.gate import Finding, Near, finding, is_overruled

FILE = Fingerprint("sha256", bytes(32))
GOOD, OTHER, POOR = (Fingerprint("pdq", bytes([n]) * 32, quality) for n, quality in ((1, 80), (2, 50), (3, 49)))


@pytest.mark.parametrize(
    ("kind", "listed", "near", "known", "hits", "low_quality"),
    [
        ("picture", [FILE], [], [FILE], set(), False),
        ("picture", [FILE], [], [FILE, POOR], set(), True),
        ("picture", [FILE], [], [FILE, POOR, GOOD], set(), False),
        ("picture", [FILE, GOOD], [Near(FILE, 7)], [FILE, GOOD], {7}, False),
        ("picture", [FILE, GOOD], [Near(GOOD, 8), Near(GOOD, 9)], [FILE, GOOD], {8, 9}, False),
        ("video", [GOOD, OTHER], [Near(GOOD, 8)], [GOOD, OTHER], {8}, False),
        ("video", [GOOD, OTHER, Fingerprint("pdq", b"\x04" * 32, 90)], [Near(GOOD, 8)], [GOOD], set(), False),
        ("video", [FILE, GOOD, OTHER, Fingerprint("pdq", b"\x04" * 32, 90)], [Near(FILE, 7)], [GOOD], {7}, False),
    ],
)
def test_what_is_found(
    kind: str,
    listed: list[Fingerprint],
    near: list[Near],
    known: list[Fingerprint],
    hits: set[int],
    *,
    low_quality: bool,
) -> None:
    found = finding(kind=kind, listed=listed, near=near, known=known)
    assert found == Finding(frozenset(hits), low_quality)
    assert found.stops is (bool(hits) or low_quality)


def test_people_overrule_what_they_saw_and_nothing_else() -> None:
    found = Finding(frozenset({1, 2}), low_quality=True)
    assert not found.beyond([Finding(frozenset({1, 2}), low_quality=True)]).stops
    assert found.beyond([Finding(frozenset({1, 2}))]) == Finding(low_quality=True)
    assert found.beyond([Finding(frozenset({1}), low_quality=True)]) == Finding(frozenset({2}))
    assert found.beyond([]) == found


def test_two_people_of_one_organisation_are_not_enough() -> None:
    assert not is_overruled([])
    assert not is_overruled([("ana", "police")])
    assert not is_overruled([("ana", "police"), ("ben", "police")])
    assert is_overruled([("ana", "police"), ("cho", "centre")])
