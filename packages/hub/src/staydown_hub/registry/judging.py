"""Judging a locked item: the lock, and the one way in which an assessment comes about."""

from uuid import UUID

from django.utils import timezone

from staydown_hub.audit.services import record
from staydown_hub.organisations.actors import Actor
from staydown_hub.registry.models import Assessment, Item
from staydown_hub.rules.classification import SCHEME


def lock_item(item_id: UUID) -> Item:
    """Return the item, locked until the transaction ends: whoever decides about it holds this lock.

    The weaker row lock leaves foreign keys to the item free, so a commit's deferred checks cannot deadlock with it.
    """
    return Item.objects.select_for_update(no_key=True).get(pk=item_id)


def judge(actor: Actor, *, item: Item, code: str) -> None:
    """Record the organisation's judgement of a locked item; its earlier one is superseded, never overwritten."""
    now = timezone.now()
    current = Assessment.objects.filter(item=item, organisation=actor.organisation, superseded_at=None)
    before = current.values_list("code", flat=True).first()
    if before != code:
        current.update(superseded_at=now)
        Assessment.objects.create(item=item, organisation_id=actor.organisation, scheme=SCHEME, code=code, at=now)
    record(
        act="item assessed",
        organisation=actor.organisation,
        person=actor.person,
        subject=f"item:{item.pk}",
        detail={"scheme": SCHEME, "code": code, "before": before},
        source=actor.source,
    )
