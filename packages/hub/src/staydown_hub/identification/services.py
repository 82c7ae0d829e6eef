"""Saying whether a victim is identified, reading it, and telling the unit that holds the case of a match."""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from staydown_hub.audit.services import record
from staydown_hub.identification.errors import NotForThisKindError
from staydown_hub.identification.models import CaseAct, CaseNotice
from staydown_hub.identification.queries import Case, latest_act, latest_acts, opened
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.queries import kind_of
from staydown_hub.registry.judging import lock_item
from staydown_hub.rules.identification import Status, check_reference, concerns_the_unit, may_see_cases


@transaction.atomic
def state_case(actor: Actor, *, item_id: UUID, status: Status, reference: str = "") -> CaseAct:
    """Say whether the item's victim is identified: the actor's unit holds the case from now on.

    Earlier words stay. Raises NotForThisKindError and BadReferenceError.
    """
    _check_police(actor)
    item = lock_item(item_id)
    said = CaseAct(item=item, unit_id=actor.organisation, person=actor.person, at=timezone.now())
    said.seal(status=status, reference=check_reference(reference))
    said.save(force_insert=True)
    # What was said is not in the audit log: more people read that than may know it.
    _record(actor, "case stated", item_id)
    return said


@transaction.atomic
def read_case(actor: Actor, *, item_id: UUID) -> Case | None:
    """Return what is known of the item's victim, on record. Raises NotForThisKindError."""
    _check_police(actor)
    found = latest_act(item_id)
    if found is None:
        return None
    _record(actor, "case read", item_id)
    return opened(found)


@transaction.atomic
def note_matches(item_ids: Collection[UUID], *, source: str) -> int:
    """Tell the units that hold cases of these items that they were matched; return how many notices are new."""
    fresh = 0
    for act in latest_acts(item_ids):
        if not concerns_the_unit(opened(act).status):
            continue
        _, is_new = CaseNotice.objects.get_or_create(
            item_id=act.item_id, unit_id=act.unit_id, read_at=None, defaults={"at": timezone.now()}
        )
        if is_new:
            fresh += 1
            record(
                act="case unit told of a match", organisation=act.unit_id, subject=f"item:{act.item_id}", source=source
            )
    return fresh


@transaction.atomic
def mark_read(actor: Actor, *, item_id: UUID) -> None:
    """Note that the unit looked at what it was told about an item."""
    unread = CaseNotice.objects.filter(unit=actor.organisation, item=item_id, read_at=None)
    if unread.update(read_at=timezone.now()):
        _record(actor, "case notice read", item_id)


def _check_police(actor: Actor) -> None:
    if not may_see_cases(kind_of(actor.organisation)):
        raise NotForThisKindError


def _record(actor: Actor, act: str, item_id: UUID) -> None:
    record(
        act=act,
        organisation=actor.organisation,
        person=actor.person,
        subject=f"item:{item_id}",
        source=actor.source,
    )
