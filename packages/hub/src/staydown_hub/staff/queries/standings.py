"""Every item's standing worked out by the database, so that pages can filter by it and show it without a query a row.

It says what ``rules.admission.status_of`` says of one item; a test holds the two together.
"""

from typing import Final, get_args
from uuid import UUID

from django.db.models import Case, CharField, Exists, OuterRef, Q, QuerySet, Value, When

from staydown_hub.lists.models import Entry
from staydown_hub.registry.models import Assessment
from staydown_hub.rules.admission import Status
from staydown_hub.rules.independence import hides, sees_others
from staydown_hub.staff.viewer import Viewer

STATUSES: Final[tuple[Status, ...]] = get_args(Status)


def hidden_from(viewer: Viewer) -> UUID | None:
    """Return the person's organisation if it judges items, and so sees others' judgements only after its own."""
    return None if sees_others(kind=viewer.kind, has_assessed=False) else viewer.organisation


def stands(standing: Status, *, hidden_from: UUID | None = None) -> Q:
    """Return the condition of the items that stand so; ``hidden_from`` is the organisation it is worked out for."""
    entries = Entry.objects.filter(item=OuterRef("pk"))
    judged = Assessment.objects.filter(item=OuterRef("pk"), superseded_at=None)
    is_listed, was_listed = Exists(in_force().filter(item=OuterRef("pk"))), Exists(entries)
    is_judged, is_disputed = Exists(judged), Exists(judged.filter(qualifies=False))
    conditions: dict[Status, Q] = {
        "open": Q(~was_listed, ~is_judged),
        "waiting": Q(~was_listed, ~is_disputed, is_judged),
        "admitted": Q(is_listed),
        "disputed": Q(~was_listed, is_disputed),
        "withdrawn": Q(was_listed, ~is_listed),
    }
    if hidden_from is None or (not hides(standing, sees_others=False) and standing != "open"):
        return conditions[standing]
    sees = Q(Exists(judged.filter(organisation=hidden_from)))
    return Q(~was_listed, ~sees) if standing == "open" else conditions[standing] & sees


def undecided() -> Q:
    """Return the condition of the items that stand open or waiting, said so that the database need not try each."""
    entries = Entry.objects.filter(item=OuterRef("pk"))
    disputes = Assessment.objects.filter(item=OuterRef("pk"), superseded_at=None, qualifies=False)
    return Q(~Exists(entries), ~Exists(disputes))


def standing(*, hidden_from: UUID | None = None) -> Case:
    """Return the expression of an item's standing, as the organisation ``hidden_from`` may see it."""
    return Case(
        *(When(stands(one, hidden_from=hidden_from), then=Value(one)) for one in STATUSES), output_field=CharField()
    )


def in_force() -> QuerySet[Entry]:
    """Return the entries that hold now: the last about their item on their list, when that does not end it."""
    later = Entry.objects.filter(
        item=OuterRef("item"), shared_list=OuterRef("shared_list"), position__gt=OuterRef("position")
    )
    return Entry.objects.filter(~Q(operation__in=Entry.ENDING), ~Exists(later))
