"""Extending a list's log: the one place that gives out a position."""

import secrets
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from staydown_hub.audit.services import record
from staydown_hub.lists.accounting import ACTS, told_of
from staydown_hub.lists.body import carrying_body, redaction_body, withdrawal_body
from staydown_hub.lists.models import Entry, SharedList
from staydown_hub.organisations.actors import Actor
from staydown_hub.rules.admission import Decision
from staydown_hub.sealing.tree import SALT_BYTES, leaf_hash


def append(actor: Actor, *, shared_list: SharedList, item_id: UUID, kind: str, decision: Decision) -> Entry:
    """Write the decision at the list's next position, in the current transaction. The item must be locked."""

    def body(at: datetime) -> str:
        if decision.step == "withdraw":
            return withdrawal_body(item=item_id, at=at)
        return carrying_body(decision, item=item_id, kind=kind, advice=shared_list.advice, at=at)

    entry = Entry(operation=decision.step, item_id=item_id, carried_by=list(decision.carried_by))
    return _written(actor, entry, shared_list=shared_list, body=body)


def append_redaction(actor: Actor, *, shared_list: SharedList, item_id: UUID) -> Entry | None:
    """Redact every text about the item that the list still has; return None when there is none.

    The database erases them, with their salts, as this is written. The item must be locked.
    """
    texts = shared_list.entries.filter(item=item_id, operation__in=(Entry.ADMIT, Entry.AMEND), body__isnull=False)
    positions = list(texts.order_by("position").values_list("position", flat=True))
    if not positions:
        return None
    entry = Entry(operation=Entry.REDACT, item_id=item_id)
    return _written(
        actor,
        entry,
        shared_list=shared_list,
        body=lambda at: redaction_body(item=item_id, positions=positions, at=at),
    )


def _written(actor: Actor, entry: Entry, *, shared_list: SharedList, body: Callable[[datetime], str]) -> Entry:
    """Give the entry its position, time, salt and leaf, and write it with its audit record.

    The list's row is locked until the transaction ends, so positions become visible in their order.
    """
    locked = SharedList.objects.select_for_update(no_key=True).get(pk=shared_list.pk)
    last = locked.entries.aggregate(last=Max("position"))["last"]
    entry.shared_list, entry.position = locked, 0 if last is None else last + 1
    entry.at = timezone.now()
    entry.salt, entry.body = secrets.token_bytes(SALT_BYTES), body(entry.at)
    entry.leaf_hash = leaf_hash(entry.salt, entry.body)
    entry.save(force_insert=True)
    record(
        act=ACTS[entry.operation],
        organisation=actor.organisation,
        person=actor.person,
        subject=f"item:{entry.item_id}",
        detail=told_of(locked.slug, entry.position, entry.leaf_hash),
        source=actor.source,
    )
    return entry
