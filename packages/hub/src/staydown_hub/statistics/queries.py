"""The figures by which the hub accounts for its work: counts only, nothing about any one item."""

from dataclasses import dataclass

from staydown_hub.enforcement import queries as enforcement
from staydown_hub.enforcement import reviewing
from staydown_hub.lists.queries import count_admissions, count_in_force
from staydown_hub.registry.queries import count_assessments, count_items
from staydown_hub.takedowns import queries as takedowns


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts as of now. ``requests`` is by state; the median is of those removed, and None without any.

    ``matches_by_day`` is of each list and each of the last 30 days that has any.
    """

    items: int
    entries_in_force: int
    assessments: int
    notices: int
    requests: dict[str, int]
    removed: int
    median_seconds_to_removal: float | None
    matches: int
    disputes: int
    matches_by_day: list[enforcement.DayCount]
    admissions: int
    rulings: reviewing.DisputeFigures


def figures() -> Figures:
    """Return the figures."""
    return Figures(
        items=count_items(),
        entries_in_force=count_in_force(),
        assessments=count_assessments(),
        notices=takedowns.notices_sent(),
        requests=takedowns.counts_by_state(),
        removed=takedowns.removed(),
        median_seconds_to_removal=takedowns.median_seconds_to_removal(),
        matches=enforcement.count_matches(),
        disputes=enforcement.count_disputes(),
        matches_by_day=enforcement.matches_by_day(),
        admissions=count_admissions(),
        rulings=reviewing.figures(),
    )
