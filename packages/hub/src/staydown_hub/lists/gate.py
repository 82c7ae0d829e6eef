"""The benign gate at work: what an entry would list is tried, and stopped until people overrule."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Prefetch, QuerySet

from staydown_hub.audit.services import record
from staydown_hub.lists.models import GateOverrule, GateStop, SafeFingerprint
from staydown_hub.organisations.actors import Actor
from staydown_hub.registry import queries as registry
from staydown_hub.rules import gate as rules
from staydown_hub.rules.admission import Content
from staydown_hub.rules.fingerprints import MAX_DISTANCE_BITS, MIN_QUALITY, Fingerprint

# The corpus is small beside the register: well-known pictures, not all that is harmless.
_NEAR: Final = """
    SELECT w.number, s.id FROM unnest(%s::int[], %s::text[], %s::bytea[]) AS w(number, algorithm, value)
    JOIN safe_fingerprint s ON s.algorithm = w.algorithm AND s.value = w.value AND s.retired_at IS NULL
    WHERE w.algorithm <> 'pdq'
    UNION SELECT w.number, s.id FROM unnest(%s::int[], %s::text[], %s::bytea[]) AS w(number, algorithm, value)
    JOIN safe_fingerprint s ON s.algorithm = 'pdq' AND s.quality >= %s AND s.retired_at IS NULL
        AND bit_count(pdq_bits(s.value) # pdq_bits(w.value)) <= %s
    WHERE w.algorithm = 'pdq'
"""


def lets_through(actor: Actor, *, item_id: UUID, kind: str, content: Content) -> bool:
    """Tell whether nothing stands against listing this of a locked item; else see to it that people look.

    A stop that says the same is not opened twice.
    """
    found = rules.finding(
        kind=kind,
        listed=content.fingerprints,
        near=_near(content.fingerprints),
        known=registry.fingerprints_of(item_id),
    )
    stops = list(stops_of(item_id))
    if not found.beyond([_finding(one) for one in stops if is_overruled(one)]).stops:
        return True
    if found not in [_finding(one) for one in stops]:
        _open(actor, item_id=item_id, found=found)
    return False


def _near(fingerprints: Iterable[Fingerprint]) -> list[rules.Near]:
    asked = list(fingerprints)
    columns: list[list[Any]] = [list(range(len(asked))), [one.algorithm for one in asked], [one.value for one in asked]]
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, [*columns, *columns, MIN_QUALITY, MAX_DISTANCE_BITS])
        return [rules.Near(asked[number], safe) for number, safe in cursor.fetchall()]


def _open(actor: Actor, *, item_id: UUID, found: rules.Finding) -> None:
    stop = GateStop.objects.create(item_id=item_id, hits=sorted(found.hits), low_quality=found.low_quality)
    record(
        act="admission stopped",
        organisation=actor.organisation,
        person=actor.person,
        subject=f"item:{item_id}",
        detail={"stop": str(stop.pk), "hits": sorted(found.hits), "low_quality": found.low_quality},
        source=actor.source,
    )


def stops_of(item_id: UUID) -> QuerySet[GateStop]:
    """Return what the gate stopped of the item, with who overruled it, oldest first."""
    return with_overrules(GateStop.objects.filter(item=item_id)).order_by("opened_at")


def with_overrules(stops: QuerySet[GateStop]) -> QuerySet[GateStop]:
    """Fetch the overrules of stops with them."""
    overrules = GateOverrule.objects.select_related("organisation", "person").order_by("pk")
    return stops.prefetch_related(Prefetch("overrules", queryset=overrules))


def is_overruled(stop: GateStop) -> bool:
    """Tell whether enough people overrule a stop, which was fetched with its overrules."""
    return rules.is_overruled([(one.person_id, one.organisation_id) for one in stop.overrules.all()])


def _finding(stop: GateStop) -> rules.Finding:
    return rules.Finding(frozenset(stop.hits), stop.low_quality)


def add_to_corpus(fingerprints: Iterable[Fingerprint], *, source: str) -> int:
    """Add fingerprints of something harmless, each once a source; return how many were new."""
    before = SafeFingerprint.objects.filter(source=source).count()
    SafeFingerprint.objects.bulk_create(
        [
            SafeFingerprint(algorithm=one.algorithm, value=one.value, quality=one.quality, source=source)
            for one in fingerprints
        ],
        ignore_conflicts=True,
    )
    return SafeFingerprint.objects.filter(source=source).count() - before
