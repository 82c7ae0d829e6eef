"""Judging a locked item: the lock, and the one way in which an assessment comes about."""

from uuid import UUID

from django.utils import timezone

from staydown_hub.audit.services import record
from staydown_hub.lists.queries import ruled_out_at
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.training import check_may_assess
from staydown_hub.registry.models import Assessment, FingerprintSource, Item
from staydown_hub.rules.classification import DOES_NOT_QUALIFY
from staydown_hub.rules.independence import is_independent
from staydown_hub.rules.schemes import Named
from staydown_hub.schemes.catalogue import known


def lock_item(item_id: UUID) -> Item:
    """Return the item, locked until the transaction ends: whoever decides about it holds this lock.

    The weaker row lock leaves foreign keys to the item free, so a commit's deferred checks cannot deadlock with it.
    """
    return Item.objects.select_for_update(no_key=True).get(pk=item_id)


def judge(actor: Actor, *, item: Item, code: str, scheme: str | None = None) -> Assessment:
    """Record the organisation's judgement of a locked item, and return it; what it supplies is linked to it.

    An earlier judgement is superseded, never overwritten; the same one again stays as it is.
    Raises NotTrainedError and UnknownCodeError.
    """
    check_may_assess(actor)
    return _judged(actor, item=item, code=code, scheme=scheme)


def take_back(actor: Actor, *, item: Item) -> Assessment:
    """Say NONE of a locked item for the organisation, as part of a withdrawal on which two people agreed."""
    return _judged(actor, item=item, code=DOES_NOT_QUALIFY, scheme=None)


def _judged(actor: Actor, *, item: Item, code: str, scheme: str | None) -> Assessment:
    named = known().named(code, scheme=scheme)
    current = Assessment.objects.filter(item=item, organisation=actor.organisation, superseded_at=None).first()
    before = current.code if current else None
    is_same = current is not None and (current.scheme, current.code) == (named.scheme, named.code)
    # What was said before people ruled the item out does not count: said again, it does.
    ruled_at = ruled_out_at(item.pk)
    is_same = is_same and not (current and ruled_at and current.at <= ruled_at)
    judged = current if current and is_same else _supersede(actor, item=item, current=current, named=named)
    record(
        act="item assessed",
        organisation=actor.organisation,
        person=actor.person,
        subject=f"item:{item.pk}",
        detail={"scheme": named.scheme, "code": code, "before": before},
        source=actor.source,
    )
    return judged


def _supersede(actor: Actor, *, item: Item, current: Assessment | None, named: Named) -> Assessment:
    now = timezone.now()
    others = Assessment.objects.filter(item=item).exclude(organisation=actor.organisation)
    independent = is_independent(
        before=(current.qualifies, current.independent) if current else None,
        others_judged=others.exists(),
        qualifies=named.qualifies,
    )
    if current:
        Assessment.objects.filter(pk=current.pk).update(superseded_at=now)
    fresh = Assessment.objects.create(
        item=item,
        organisation_id=actor.organisation,
        person_id=actor.person,
        scheme=named.scheme,
        code=named.code,
        qualifies=named.qualifies,
        independent=independent,
        at=now,
    )
    if current and current.qualifies and named.qualifies:
        _carry_supplies_over(current, fresh)
    return fresh


def _carry_supplies_over(former: Assessment, fresh: Assessment) -> None:
    """Link what the former judgement vouched for to one that says another code of the same item."""
    FingerprintSource.objects.bulk_create(
        FingerprintSource(
            fingerprint_id=row.fingerprint_id,
            organisation_id=row.organisation_id,
            assessment=fresh,
            quality=row.quality,
            at=row.at,
        )
        for row in former.supplies.order_by("pk")
    )
