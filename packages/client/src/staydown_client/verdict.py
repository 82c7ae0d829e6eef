"""What a filter says of one file."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from staydown_client.entries import ExactAlgorithm

Action: TypeAlias = Literal["allow", "hold", "block", "unchecked"]
Algorithm: TypeAlias = "ExactAlgorithm | Literal['pdq']"


@dataclass(frozen=True, slots=True)
class Reason:
    """An entry that the file matched. `distance_bits` is 0 for an exact fingerprint, 0 to 31 for pdq."""

    list: str
    position: int
    categories: tuple[str, ...]
    algorithm: Algorithm
    distance_bits: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something could not be checked.

    `code` is one of the file's ("empty", "unsupported", "damaged", "truncated", "limit", "featureless") or of the
    list's ("never_synced", "list_old", "list_unreadable").
    """

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The action to take, and on what grounds.

    "allow" means checked against the whole list and not on it; "block" and "hold" (for a person to look at) mean a
    match; "unchecked" means that nobody can say, with the problems as the reason: treat it as you treat an upload
    while the filter is down. `list_position` is the last position applied (-1: an empty list), `list_age_s` the time
    since the hub last confirmed that nothing newer exists; both are None while the folder was never synced.
    `overruled` are entries that the file matched and that the platform's own policy or allow-list lets through;
    `degraded` says that the list is older than the policy finds good, and is used all the same.
    """

    action: Action
    reasons: tuple[Reason, ...]
    problems: tuple[Problem, ...]
    list_position: int | None
    list_age_s: float | None
    overruled: tuple[Reason, ...] = ()
    degraded: bool = False

    def as_json(self) -> dict[str, object]:
        """Return the verdict as JSON-ready values, under the names of its fields; an age beyond belief is null."""
        age_s = self.list_age_s
        return asdict(self) | {"list_age_s": age_s if age_s is not None and math.isfinite(age_s) else None}
