"""Admits and withdraws, one item at a time, in a process of its own with the hub's services: ADMISSIONS EVERY_MS.

Reads "admit" and "withdraw" from its input and answers each with the nanoseconds of the monotonic clock just before
every COMMIT was sent, as JSON: what the database takes to commit is part of what is measured.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

from staydown_hub.commands.database import database

from benchmarks._propagation_items import digest, listed_hash

if TYPE_CHECKING:
    from staydown_hub.organisations.actors import Actor
    from staydown_hub.rules.fingerprints import Fingerprint

_CODE, _REVOKED = "TEST", "NONE"
_AT_ONCE = 100


def main(admissions: int, every_s: float) -> None:
    """Report all, then judge each when told to."""
    with database():
        from staydown_hub.organisations.actors import Actor  # noqa: PLC0415 -- after Django is set up
        from staydown_hub.organisations.queries import organisation_called  # noqa: PLC0415 -- the same

        centre, police = (Actor(organisation_called(slug).pk, source="command") for slug in ("centre", "police"))
        _report(centre, admissions)
        _say("reported")
        codes = {"admit": _CODE, "withdraw": _REVOKED}
        for line in sys.stdin:
            _say(json.dumps(_judged(police, admissions, code=codes[line.strip()], every_s=every_s)))


def _report(actor: Actor, admissions: int) -> None:
    """Have one organisation's word for every item: none is admitted by it."""
    from django.db import transaction  # noqa: PLC0415 -- after Django is set up
    from staydown_hub.registry.services import report_item  # noqa: PLC0415 -- the same

    for start in range(0, admissions, _AT_ONCE):
        with transaction.atomic():
            for number in range(start, min(start + _AT_ONCE, admissions)):
                report_item(actor, kind="picture", fingerprints=_fingerprints(number), code=_CODE)


def _judged(actor: Actor, admissions: int, *, code: str, every_s: float) -> list[int]:
    """Have the second organisation's word for each item in its turn; return when each transaction was to be committed.

    A turn that came late moves all that follow: none is caught up, so that each is measured alone.
    """
    from django.db import transaction  # noqa: PLC0415 -- after Django is set up
    from staydown_hub.registry.services import assess_item  # noqa: PLC0415 -- the same

    at_ns = []
    for number in range(admissions):
        turn = time.monotonic() + every_s
        with transaction.atomic():
            assess_item(actor, kind="picture", fingerprints=_fingerprints(number), code=code)
            at_ns.append(time.monotonic_ns())
        time.sleep(max(0.0, turn - time.monotonic()))
    return at_ns


def _fingerprints(number: int) -> tuple[Fingerprint, ...]:
    from staydown_hub.rules.fingerprints import Fingerprint  # noqa: PLC0415 -- after Django is set up

    return Fingerprint("sha256", digest(number)), Fingerprint("pdq", listed_hash(number), 100)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]) / 1000)
