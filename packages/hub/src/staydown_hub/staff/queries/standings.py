"""Every item's standing worked out by the database, so that pages can filter by it and show it without a query a row.

It says what ``rules.admission.status_of`` says of one item; a test holds the two together.
"""

from typing import Final, get_args
from uuid import UUID

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When

from staydown_hub.lists.models import Entry, Ruling, SharedList
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
    of_judged = Q(shared_list__basis=SharedList.ASSESSMENTS)
    here = in_force().filter(item=OuterRef("pk"))
    is_listed, was_listed = Exists(here.filter(of_judged)), Exists(entries.filter(of_judged))
    is_held = Exists(here.exclude(of_judged))
    against = judged.filter(~Exists(_overruled()), qualifies=False)
    is_judged, is_disputed = Exists(judged.filter(Q(qualifies=True) | ~Exists(_overruled()))), Exists(against)
    conditions: dict[Status, Q] = {
        "open": Q(~was_listed, ~is_held, ~is_judged),
        "waiting": Q(~was_listed, ~is_held, ~is_disputed, is_judged),
        "admitted": Q(is_listed),
        "held": Q(~is_listed, is_held),
        "disputed": Q(~was_listed, ~is_held, is_disputed),
        "withdrawn": Q(was_listed, ~is_listed, ~is_held),
    }
    if hidden_from is None or (not hides(standing, sees_others=False) and standing != "open"):
        return conditions[standing]
    sees = Q(Exists(judged.filter(organisation=hidden_from)))
    return Q(~was_listed, ~is_held, ~sees) if standing == "open" else conditions[standing] & sees


def _overruled() -> QuerySet[Ruling]:
    """Return the rulings of panels for the item that came after this organisation had said no to it."""
    said_no = Q(
        item__assessments__organisation=OuterRef("organisation"),
        item__assessments__qualifies=False,
        item__assessments__at__lte=F("at"),
    )
    return Ruling.objects.filter(said_no, item=OuterRef("item"), panel__isnull=False, qualifies=True)


def undecided() -> Q:
    """Return the condition of items that stand open, waiting or held, said so that the database need not try each."""
    entries = Entry.objects.filter(item=OuterRef("pk"), shared_list__basis=SharedList.ASSESSMENTS)
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
