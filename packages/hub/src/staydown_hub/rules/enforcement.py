"""How a filter stands with a list, by its last receipt: what it has not got yet, and how long ago it spoke."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

ReceiptState = Literal["live", "behind", "refused"]
Problem = Literal["fork", "shrunk", "signature", "garbage", "witnesses", "redaction"]
Progress = Literal["live", "behind", "refused", "silent"]

RECEIPT_STATES: Final[tuple[ReceiptState, ...]] = get_args(ReceiptState)
PROBLEMS: Final[tuple[Problem, ...]] = get_args(Problem)
PROGRESSES: Final[tuple[Progress, ...]] = get_args(Progress)

# Filters send a receipt at least once a minute. A new entry is theirs in well under a second, but the receipt that says
# so comes seconds later: only what is missing for longer than this is held against a filter.
SILENT_AFTER: Final = timedelta(minutes=5)
LATE_AFTER: Final = timedelta(minutes=1)
# A filter that said nothing for so long counts no more, and is forgotten when there is no room for another.
FORGOTTEN_AFTER: Final = timedelta(days=30)
MAX_RECEIPTS_OF_AN_ORGANISATION: Final = 10_000
MAX_REFERENCE_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Told:
    """What one filter's last receipt says: all up to ``position`` is in force, since ``live_since`` without a gap."""

    position: int
    state: ReceiptState
    live_since: datetime | None
    reported_at: datetime


def progress_of(told: Told, *, missing_since: datetime | None, now: datetime) -> Progress:
    """Return how the filter stands; ``missing_since`` is when the first entry that it has not got was made, if any."""
    if told.reported_at < now - SILENT_AFTER:
        return "silent"
    if told.state != "live":
        return told.state
    return "behind" if missing_since is not None and missing_since < now - LATE_AFTER else "live"


def enforced_since(told: Told, *, position: int, made_at: datetime, progress: Progress) -> datetime | None:
    """Return since when, at the latest, the filter enforces the entry at this position; None when that is not known.

    A filter that was live when the entry was made took it at once; one that became live later, with the rest. A filter
    that is behind enforces what it has. Of a silent one nothing is known.
    """
    if progress in {"silent", "refused"} or told.position < position:
        return None
    return max(made_at, told.live_since or told.reported_at)
