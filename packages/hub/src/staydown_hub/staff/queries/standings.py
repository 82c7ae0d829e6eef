"""Every item's standing worked out by the database, so that pages can filter by it and show it without a query a row.

It says what ``rules.admission.status_of`` says of one item; a test holds the two together.
"""

from typing import Final, get_args

from django.db.models import Case, CharField, Exists, OuterRef, Q, QuerySet, Value, When

from staydown_hub.lists.models import Entry
from staydown_hub.registry.models import Assessment
from staydown_hub.rules.admission import Status
from staydown_hub.rules.classification import DOES_NOT_QUALIFY

STATUSES: Final[tuple[Status, ...]] = get_args(Status)


def standing() -> Case:
    """Return the expression of an item's standing, to show and to filter items by."""
    judged = Assessment.objects.filter(item=OuterRef("pk"), superseded_at=None)
    return Case(
        When(Exists(in_force().filter(item=OuterRef("pk"))), then=Value("admitted")),
        When(Exists(Entry.objects.filter(item=OuterRef("pk"))), then=Value("withdrawn")),
        When(Exists(judged.filter(code=DOES_NOT_QUALIFY)), then=Value("disputed")),
        When(Exists(judged), then=Value("waiting")),
        default=Value("open"),
        output_field=CharField(),
    )


def in_force() -> QuerySet[Entry]:
    """Return the entries that hold now: the last about their item on their list, when that is no withdrawal."""
    later = Entry.objects.filter(
        item=OuterRef("item"), shared_list=OuterRef("shared_list"), position__gt=OuterRef("position")
    )
    return Entry.objects.filter(~Q(operation=Entry.WITHDRAW), ~Exists(later))
