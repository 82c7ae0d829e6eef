"""When a person's own report holds an item: on a list of its own that never blocks, until it is assessed or expires."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from staydown_hub.rules.admission import Content, Decision, Judgement
from staydown_hub.rules.fingerprints import MIN_QUALITY, Fingerprint

# Entries of such a list carry this instead of the codes of assessments: nobody has judged the item.
CATEGORY: Final = "SELF"
RELAYING_KIND: Final = "support_centre"
HOLDS_FOR: Final = timedelta(days=30)
MAX_FINGERPRINTS: Final = 64
# So many of one centre hold at one time: keeps a stolen key from holding up everything.
MAX_OF_ONE_CENTRE: Final = 1000


@dataclass(frozen=True, slots=True)
class Relayed:
    """A report that a support centre relayed for a person, with the fingerprints that came with it."""

    at: datetime
    expires_at: datetime
    ended_at: datetime | None
    fingerprints: tuple[Fingerprint, ...]


def holds(one: Relayed, *, now: datetime, ruled_out_at: datetime | None) -> bool:
    """Tell whether a report still speaks: neither taken back nor expired, and not ruled on since."""
    return one.ended_at is None and one.expires_at > now and (ruled_out_at is None or one.at > ruled_out_at)


def decide(
    reports: Collection[Relayed],
    *,
    judgements: Collection[Judgement],
    is_listed: bool,
    ruled_out_at: datetime | None,
    in_force: Content | None,
    now: datetime,
) -> Decision:
    """Return what to do with the item on the list of self-reports.

    It is held while a report holds, nobody judged that it does not qualify, and no other list has it.
    """
    holding = [one for one in reports if holds(one, now=now, ruled_out_at=ruled_out_at)]
    found = {one for report in holding for one in report.fingerprints if one.is_exact or _is_good(one)}
    best = {(one.algorithm, one.value): one for one in sorted(found, key=lambda one: one.quality or 0)}
    content = Content(tuple(sorted(best.values())), (CATEGORY,))
    if not content.fingerprints or is_listed or any(not one.qualifies for one in judgements):
        return Decision("leave" if in_force is None else "withdraw")
    if content == in_force:
        return Decision("leave")
    return Decision("admit" if in_force is None else "amend", content, admitted_by=(RELAYING_KIND,))


def _is_good(one: Fingerprint) -> bool:
    return (one.quality or 0) >= MIN_QUALITY
