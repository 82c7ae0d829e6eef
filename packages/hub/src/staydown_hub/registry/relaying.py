"""A support centre relays what a person reported of themselves: fingerprints only, and nothing about the person."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from staydown_hub.lists.deciding import take_self_report
from staydown_hub.organisations.actors import Actor
from staydown_hub.registry.services import report_item
from staydown_hub.rules.fingerprints import Fingerprint


@dataclass(frozen=True, slots=True)
class RelayedReport:
    """A self-report as it is known from here on, and until when it holds."""

    identifier: UUID
    item: UUID
    expires_at: datetime


@transaction.atomic
def relay_self_report(actor: Actor, *, kind: str, fingerprints: Collection[Fingerprint]) -> RelayedReport:
    """Find the item or open it, and hold it on the list of self-reports.

    Raises what ``report_item`` and ``take_self_report`` do; nothing is kept then.
    """
    reported = report_item(actor, kind=kind, fingerprints=fingerprints)
    report = take_self_report(actor, item_id=reported.item.pk, fingerprints=fingerprints)
    return RelayedReport(identifier=report.pk, item=reported.item.pk, expires_at=report.expires_at)
