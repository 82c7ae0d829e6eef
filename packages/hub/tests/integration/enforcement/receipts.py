"""Receipts put in the table as the feed writes them, at any time."""

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone
from staydown_hub.enforcement.models import Receipt
from staydown_hub.lists.models import SharedList

from packages.hub.tests.cast import Member


def receipt(
    member: Member, *, position: int, state: str = "live", ago: timedelta = timedelta(0), **more: object
) -> Receipt:
    """Keep the receipt of one more filter of the member about the main list; ``ago`` is when it was sent."""
    at = timezone.now() - ago
    said: dict[str, Any] = {"live_since": at if state == "live" else None, "state_since": at, "problem": "", **more}
    return Receipt.objects.create(
        organisation=member.organisation,
        shared_list=SharedList.objects.get(slug="main"),
        filter=uuid.uuid4(),
        position=position,
        state=state,
        reported_at=at,
        **said,
    )
