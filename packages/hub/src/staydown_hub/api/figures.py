"""The figures of the hub."""

from datetime import date

from django.http import HttpRequest
from ninja import Router

from staydown_hub.api.access import Key
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import Strict
from staydown_hub.statistics import queries

router = Router(tags=["figures"])


class DayLine(Strict):
    """How many matches of a list there were on a day (UTC)."""

    list: str
    day: date
    matches: int


class RulingFigures(Strict):
    """What became of disputes: by state, how many wait too long, and how many of all admissions were wrong."""

    by_state: dict[str, int]
    overdue: int
    wrong_entries: int
    share_wrong: float | None
    median_hours_to_ruling: float | None


class FiguresAnswer(Strict):
    """Counts as of now; `requests` is by state, `matches_by_day` of the last 30 days."""

    items: int
    entries_in_force: int
    assessments: int
    notices: int
    requests: dict[str, int]
    removed: int
    median_seconds_to_removal: float | None
    matches: int
    disputes: int
    matches_by_day: list[DayLine]
    admissions: int
    rulings: RulingFigures


@router.get("/figures", auth=Key("figures"), response=answers(has_body=False, s200=FiguresAnswer))
def show_figures(request: HttpRequest) -> FiguresAnswer:  # noqa: ARG001 -- the framework passes it by this name
    """Account for the work in numbers."""
    found = queries.figures()
    return FiguresAnswer(
        items=found.items,
        entries_in_force=found.entries_in_force,
        assessments=found.assessments,
        notices=found.notices,
        requests=found.requests,
        removed=found.removed,
        median_seconds_to_removal=found.median_seconds_to_removal,
        matches=found.matches,
        disputes=found.disputes,
        matches_by_day=[DayLine(list=one.list, day=one.day, matches=one.matches) for one in found.matches_by_day],
        admissions=found.admissions,
        rulings=RulingFigures(
            by_state=found.rulings.by_state,
            overdue=found.rulings.overdue,
            wrong_entries=found.rulings.wrong_entries,
            share_wrong=found.rulings.share_wrong,
            median_hours_to_ruling=found.rulings.median_hours_to_ruling,
        ),
    )
