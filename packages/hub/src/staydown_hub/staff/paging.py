"""Pages of rows: a page number that is none, or past the end, is taken for the nearest that there is."""

from typing import Any, Final, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

ROWS_A_PAGE: Final = 50

Row = TypeVar("Row")


def page_of(rows: QuerySet[Any, Row], request: HttpRequest, *, field: str = "page") -> Page[Row]:
    """Return the page of the rows that the query parameter ``field`` asks for."""
    return Paginator(rows, ROWS_A_PAGE).get_page(request.GET.get(field))
