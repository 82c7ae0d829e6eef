"""Writing to the audit log: one function, called in the transaction of the act itself."""

import json
import re
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from django.utils import timezone

from staydown_hub.audit.models import AuditRecord

_Value = str | int | bool | None
Detail = Mapping[str, _Value | list[str] | list[int]]

# What must never get into the log: an address of material, or 32 and more hex digits in a row (a fingerprint).
_FORBIDDEN: Final = re.compile(r"://|[0-9A-Fa-f]{32}")


class SensitiveDetailError(ValueError):
    """A detail holds an address or a fingerprint: name the item or sighting by its identifier instead."""


def record(
    *,
    act: str,
    subject: str,
    organisation: UUID | None = None,
    person: UUID | None = None,
    detail: Detail | None = None,
    source: str = "hub",
) -> AuditRecord:
    """Write that an act happened, in the current transaction; it is sealed into the chain at commit.

    ``act`` is a noun and a past verb such as ``"entry admitted"``; ``subject`` names what it was done to as
    ``"item:<uuid>"``; ``source`` says which way it came (``api``, ``staff``, ``command``, ``job``).
    Raises SensitiveDetailError when the detail holds a fingerprint or an address.
    """
    text = json.dumps(dict(detail or {}), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if _FORBIDDEN.search(text):
        raise SensitiveDetailError(
            "An audit detail may not hold a fingerprint or an address; name it by its identifier."
        )
    return AuditRecord.objects.create(
        at=timezone.now(),
        act=act,
        organisation=organisation,
        person=person,
        subject=subject,
        detail=text,
        source=source,
    )
