"""The local allow-list: entries that this platform silenced for itself, each a dispute that the hub is told of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from staydown_client.errors import BadValueError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

Dispute: TypeAlias = Literal["waiting", "delivered", "refused"]
MAX_REASON_CHARACTERS: Final = 1000
MAX_POSITION: Final = 2**40


@dataclass(frozen=True, slots=True)
class Silenced:
    """An entry by the position of its admission, why and when it was silenced, and what became of the dispute."""

    position: int
    reason: str
    at: float
    dispute: Dispute


def checked_silence(position: int, reason: str) -> tuple[int, str]:
    """Return the position and the reason, trimmed, when they can be sent; raise `BadValueError` otherwise."""
    if not 0 <= position <= MAX_POSITION:
        raise BadValueError("position: give that of the entry, as a verdict's reasons name it; it is 0 or above.")
    text = reason.strip()
    if not 0 < len(text) <= MAX_REASON_CHARACTERS:
        raise BadValueError(f"reason: give 1 to {MAX_REASON_CHARACTERS} characters; the hub's people read it.")
    return position, text


def silence(connection: sqlite3.Connection, position: int, *, reason: str, now: float) -> bool:
    """Silence an entry; say whether it was not before. The first reason stays."""
    entered = connection.execute(
        "INSERT OR IGNORE INTO silenced (position, reason, at, dispute) VALUES (?, ?, ?, 'waiting')",
        (position, reason, now),
    )
    return entered.rowcount == 1


def unsilence(connection: sqlite3.Connection, position: int) -> bool:
    """Take an entry off the allow-list; say whether it was on it."""
    return connection.execute("DELETE FROM silenced WHERE position = ?", (position,)).rowcount == 1


def silenced(connection: sqlite3.Connection) -> tuple[Silenced, ...]:
    """Return the allow-list."""
    rows = connection.execute("SELECT position, reason, at, dispute FROM silenced ORDER BY position")
    return tuple(Silenced(*row) for row in rows)


def settle_dispute(connection: sqlite3.Connection, disputed: Silenced, *, dispute: Dispute) -> None:
    """Note what became of a dispute, unless the entry was silenced anew meanwhile."""
    connection.execute(
        "UPDATE silenced SET dispute = ? WHERE position = ? AND at = ?", (dispute, disputed.position, disputed.at)
    )


def waiting_disputes(entries: Sequence[Silenced]) -> list[Silenced]:
    """Return those that the hub was not told of yet."""
    return [entry for entry in entries if entry.dispute == "waiting"]
