"""Retention: what is over its time is deleted or erased, a batch a transaction, and each batch has its audit row."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from staydown_hub.audit.services import record
from staydown_hub.registry.models import PeerObservation, Sighting
from staydown_hub.rules.retention import BadRetentionError, Record, Rule, rules_of

_AT_ONCE: Final = 100
# In these states nothing is asked any more; with no date to look again, nothing is looked at either.
_OVER: Final = ("gone", "cancelled")


@dataclass(frozen=True, slots=True)
class Due:
    """What a rule finds over its time now, or what was done about it."""

    rule: Rule
    before: datetime
    count: int


def rules_in_force() -> Mapping[Record, Rule]:
    """Return the rules with the periods of the file that STAYDOWN_RETENTION names. Raises BadRetentionError."""
    if not settings.RETENTION_FILE:
        return rules_of({})
    try:
        document = tomllib.loads(Path(settings.RETENTION_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BadRetentionError("STAYDOWN_RETENTION must name a TOML file with a table [days].") from None
    days = document.get("days")
    if not isinstance(days, dict) or set(document) != {"days"}:
        raise BadRetentionError("STAYDOWN_RETENTION must name a TOML file with a table [days], and nothing else.")
    return rules_of(days)


def due(*, now: datetime | None = None) -> list[Due]:
    """Return what is over its time, rule by rule; nothing is changed. Raises BadRetentionError."""
    at = now or timezone.now()
    return [Due(rule, rule.ends_before(at), _rows(rule, at).count()) for rule in rules_in_force().values()]


def carry_out(*, now: datetime | None = None, source: str = "job") -> list[Due]:
    """Delete and erase what is over its time, and return how much that was, rule by rule. May be stopped and run again.

    Raises BadRetentionError, before anything is changed.
    """
    at = now or timezone.now()
    done = []
    for rule in rules_in_force().values():
        count = 0
        while batch := _one_batch(rule, at, source=source):
            count += batch
        done.append(Due(rule, rule.ends_before(at), count))
    return done


@transaction.atomic
def _one_batch(rule: Rule, at: datetime, *, source: str) -> int:
    rows = _rows(rule, at).order_by("pk").select_for_update(skip_locked=True, of=("self",))
    ids = list(rows.values_list("pk", flat=True)[:_AT_ONCE])
    if not ids:
        return 0
    if rule.record == "peer_observation":
        PeerObservation.objects.filter(pk__in=ids).delete()
    else:
        # Its digest stays: who reports the address again finds this sighting, and seals it anew.
        Sighting.objects.filter(pk__in=ids).update(sealed_key=None, sealed_address=None, sealed_host=None)
    record(
        act="records deleted" if rule.deed == "delete" else "records erased",
        subject=f"retention:{rule.record}",
        detail={
            "records": [str(one) for one in ids],
            "days": rule.after.days,
            "before": rule.ends_before(at).isoformat(),
        },
        source=source,
    )
    return len(ids)


def _rows(rule: Rule, at: datetime) -> QuerySet[Any]:
    before = rule.ends_before(at)
    if rule.record == "peer_observation":
        return PeerObservation.objects.filter(Q(received_at__lte=before) | Q(expires_at__lte=at))
    sealed = Sighting.objects.filter(sealed_key__isnull=False, last_reported_at__lte=before)
    if rule.record == "sighting_never_confirmed":
        return sealed.filter(confirmed_by=None, requests=None)
    asked = Sighting.objects.filter(
        (Q(requests__isnull=False) & ~Q(requests__state__in=_OVER))
        | Q(requests__due_at__isnull=False)
        | Q(requests__checks__at__gt=before)
    )
    return sealed.exclude(confirmed_by=None).exclude(pk__in=asked.values("pk"))
