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


def stands(standing: Status) -> Q:
    """Return the condition of the items that stand so."""
    entries = Entry.objects.filter(item=OuterRef("pk"))
    judged = Assessment.objects.filter(item=OuterRef("pk"), superseded_at=None)
    is_listed, was_listed = Exists(in_force().filter(item=OuterRef("pk"))), Exists(entries)
    is_judged, is_disputed = Exists(judged), Exists(judged.filter(code=DOES_NOT_QUALIFY))
    conditions: dict[Status, Q] = {
        "open": Q(~was_listed, ~is_judged),
        "waiting": Q(~was_listed, ~is_disputed, is_judged),
        "admitted": Q(is_listed),
        "disputed": Q(~was_listed, is_disputed),
        "withdrawn": Q(was_listed, ~is_listed),
    }
    return conditions[standing]


def undecided() -> Q:
    """Return the condition of the items that stand open or waiting, said so that the database need not try each."""
    entries = Entry.objects.filter(item=OuterRef("pk"))
    disputes = Assessment.objects.filter(item=OuterRef("pk"), superseded_at=None, code=DOES_NOT_QUALIFY)
    return Q(~Exists(entries), ~Exists(disputes))


def standing() -> Case:
    """Return the expression of an item's standing."""
    return Case(*(When(stands(one), then=Value(one)) for one in STATUSES), output_field=CharField())


def in_force() -> QuerySet[Entry]:
    """Return the entries that hold now: the last about their item on their list, when that does not end it."""
    later = Entry.objects.filter(
        item=OuterRef("item"), shared_list=OuterRef("shared_list"), position__gt=OuterRef("position")
    )
    return Entry.objects.filter(~Q(operation__in=Entry.ENDING), ~Exists(later))
