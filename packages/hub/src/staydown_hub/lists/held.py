"""What people reported of themselves about an item, as the rule reads it."""

from datetime import datetime
from uuid import UUID

from staydown_hub.lists.models import SelfReport
from staydown_hub.registry.queries import plain
from staydown_hub.rules.self_reports import Relayed


def reports_of(item_id: UUID) -> list[Relayed]:
    """Return the self-reports of an item, with the fingerprints that came with each."""
    rows = SelfReport.objects.filter(item=item_id).prefetch_related("fingerprints__fingerprint")
    return [
        Relayed(
            at=row.at,
            expires_at=row.expires_at,
            ended_at=row.ended_at,
            fingerprints=tuple(plain(one.fingerprint, quality=one.quality) for one in row.fingerprints.all()),
        )
        for row in rows
    ]


def due(*, now: datetime) -> list[UUID]:
    """Return the self-reports whose time has passed and that were not ended, the first first."""
    rows = SelfReport.objects.filter(ended_at=None, expires_at__lte=now)
    return list(rows.order_by("expires_at", "pk").values_list("pk", flat=True))
