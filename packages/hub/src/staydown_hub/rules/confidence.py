"""How sure the members are of an item: it grows with votes that were given without seeing each other."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args
from uuid import UUID

Grade = Literal["none", "single", "confirmed", "trusted", "disputed"]

GRADES: Final[tuple[Grade, ...]] = get_args(Grade)
TRUSTED_VOTES: Final = 3
_GRADE_OF_VOTES: Final[tuple[Grade, ...]] = ("none", "single", "confirmed", "trusted")


class Vote(Protocol):
    """What counts of an assessment: whose it is, whether the item qualifies, and whether it saw no other."""

    @property
    def organisation(self) -> UUID:
        """Return whose it is."""

    @property
    def qualifies(self) -> bool:
        """Return whether it says that the item qualifies."""

    @property
    def independent(self) -> bool:
        """Return whether it was given without seeing the others'."""


@dataclass(frozen=True, slots=True)
class Confidence:
    """The grade, and the number of organisations that said independently that the item qualifies."""

    grade: Grade
    votes: int


def votes(judgements: Collection[Vote]) -> int:
    """Return how many organisations said by themselves that the item qualifies."""
    return len({one.organisation for one in judgements if one.qualifies and one.independent})


def confidence_of(judgements: Collection[Vote], *, settled: bool = False) -> Confidence:
    """Return how sure the members are: three undisputed votes are the trusted grade.

    ``judgements`` are the current ones; ``settled`` tells that a panel has ruled on their disagreement for the item.
    """
    found = votes(judgements)
    if not settled and any(not one.qualifies for one in judgements):
        return Confidence("disputed", found)
    return Confidence(_GRADE_OF_VOTES[min(found, TRUSTED_VOTES)], found)
