"""The choices above a table: one query parameter, a few known values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.core.exceptions import BadRequest
from django.http import HttpRequest

Value = TypeVar("Value", bound=str)


@dataclass(frozen=True, slots=True)
class Choice:
    """One link of a filter; ``query`` is empty for the one that shows all."""

    name: str
    query: str
    is_chosen: bool


def chosen(request: HttpRequest, *, field: str, values: Sequence[Value]) -> Value | None:
    """Return the value that the page is asked to show, or None for all. Raises BadRequest (400) for an unknown one."""
    wanted = request.GET.get(field, "")
    for value in values:
        if value == wanted:
            return value
    if wanted:
        raise BadRequest(f"{field}: choose one of {', '.join(values)}.")
    return None


def choices(*, field: str, values: Sequence[str], current: str | None) -> list[Choice]:
    """Return the links of a filter, all first."""
    known = [Choice(name=value, query=f"?{field}={value}", is_chosen=value == current) for value in values]
    return [Choice(name="all", query="?", is_chosen=current is None), *known]
