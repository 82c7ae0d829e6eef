"""Extending a list's log: the one place that gives out a position."""

from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from staydown_hub.audit.services import record
from staydown_hub.lists.accounting import ACTS, body_sha256
from staydown_hub.lists.body import carrying_body, withdrawal_body
from staydown_hub.lists.models import Entry, SharedList
from staydown_hub.organisations.actors import Actor
from staydown_hub.rules.admission import Decision


def append(actor: Actor, *, shared_list: SharedList, item_id: UUID, kind: str, decision: Decision) -> Entry:
    """Write the decision at the list's next position, in the current transaction. The item must be locked.

    The list's row is locked until the transaction ends, so positions become visible in their order.
    """
    locked = SharedList.objects.select_for_update(no_key=True).get(pk=shared_list.pk)
    last = locked.entries.aggregate(last=Max("position"))["last"]
    at = timezone.now()
    body = (
        withdrawal_body(item=item_id, at=at)
        if decision.step == "withdraw"
        else carrying_body(decision, item=item_id, kind=kind, at=at)
    )
    entry = Entry.objects.create(
        shared_list=locked,
        position=0 if last is None else last + 1,
        operation=decision.step,
        item_id=item_id,
        carried_by=list(decision.carried_by),
        body=body,
        at=at,
    )
    record(
        act=ACTS[decision.step],
        organisation=actor.organisation,
        person=actor.person,
        subject=f"item:{item_id}",
        detail={"list": locked.slug, "position": entry.position, "body_sha256": body_sha256(body)},
        source=actor.source,
    )
    return entry
