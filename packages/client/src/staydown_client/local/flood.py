"""The flood breaker: an entry that suddenly matches a great share of uploads is held for people, not believed.

Counted over a sliding window that all processes on the folder share; pure SQL within the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from staydown_client.tables import boolean_at, refuse_unknown, seconds_at, share_at, whole_number_at

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

_BUCKETS: Final = 10
_ALL: Final = -1
_MOST: Final = 10**9


@dataclass(frozen=True, slots=True)
class FloodSettings:
    """The `[flood]` table.

    enabled: whether the breaker works at all.
    share: an entry that matches more than this share of the uploads of the last `window_s` is held ...
    min_matches: ... once it matched at least so many of them.
    hold_for_s: for how long; None: until `staydown filter flood --reset`.
    """

    enabled: bool = True
    share: float = 0.2
    window_s: float = 600.0
    min_matches: int = 50
    hold_for_s: float | None = None


@dataclass(frozen=True, slots=True)
class Flood:
    """An entry that is held: since when, until when (None: by hand), and how many of how many uploads it matched."""

    position: int
    since: float
    until: float | None
    matches: int
    uploads: int


def read_flood(table: Mapping[str, object]) -> FloodSettings:
    """Read the `[flood]` table; raise `ConfigurationError` naming the first setting that is wrong."""
    refuse_unknown(table, "flood", known=FloodSettings.__dataclass_fields__)
    default = FloodSettings()
    hold_for_s = table.get("hold_for_s")
    return FloodSettings(
        enabled=boolean_at(table.get("enabled", default.enabled), "flood.enabled"),
        share=share_at(table.get("share", default.share), "flood.share"),
        window_s=seconds_at(table.get("window_s", default.window_s), "flood.window_s"),
        min_matches=whole_number_at(
            table.get("min_matches", default.min_matches), "flood.min_matches", low=1, high=_MOST
        ),
        hold_for_s=None if hold_for_s is None else seconds_at(hold_for_s, "flood.hold_for_s"),
    )


def count_uploads(connection: sqlite3.Connection, settings: FloodSettings, *, uploads: int, now: float) -> None:
    """Add to the uploads of the window, and forget what lies outside it (also ahead: a clock may be set back)."""
    bucket = _bucket(settings, now)
    connection.execute("DELETE FROM seen WHERE bucket <= ? OR bucket > ?", (bucket - _BUCKETS, bucket))
    _add(connection, bucket, _ALL, uploads)


def count_matches(
    connection: sqlite3.Connection, settings: FloodSettings, *, matches: Mapping[int, int], now: float
) -> list[Flood]:
    """Add to the matches of each entry (position: count), and return the entries that the breaker now holds."""
    bucket = _bucket(settings, now)
    [uploads] = connection.execute("SELECT total(count) FROM seen WHERE position = ?", (_ALL,)).fetchone()
    tripped: list[Flood] = []
    for position, count in matches.items():
        _add(connection, bucket, position, count)
        [found] = connection.execute("SELECT total(count) FROM seen WHERE position = ?", (position,)).fetchone()
        if settings.enabled and found >= settings.min_matches and found > settings.share * uploads:
            until = None if settings.hold_for_s is None else now + settings.hold_for_s
            tripped.append(Flood(position, now, until, matches=int(found), uploads=int(uploads)))
    return [flood for flood in tripped if _hold(connection, flood)]


def floods(connection: sqlite3.Connection, *, now: float) -> tuple[Flood, ...]:
    """Return the entries that are held now."""
    rows = connection.execute(
        "SELECT position, since, until, matches, uploads FROM flood WHERE until IS NULL OR until > ? ORDER BY position",
        (now,),
    )
    return tuple(Flood(*row) for row in rows)


def reset_flood(connection: sqlite3.Connection, *, position: int | None) -> int:
    """Hold an entry (None: every entry) no longer and begin its count anew; return how many were held."""
    if position is None:
        connection.execute("DELETE FROM seen WHERE position <> ?", (_ALL,))
        return connection.execute("DELETE FROM flood").rowcount
    connection.execute("DELETE FROM seen WHERE position = ?", (position,))
    return connection.execute("DELETE FROM flood WHERE position = ?", (position,)).rowcount


def _hold(connection: sqlite3.Connection, flood: Flood) -> bool:
    """Enter the flood unless the entry is held already; say whether it is new."""
    connection.execute("DELETE FROM flood WHERE position = ? AND until <= ?", (flood.position, flood.since))
    entered = connection.execute(
        "INSERT OR IGNORE INTO flood (position, since, until, matches, uploads) VALUES (?, ?, ?, ?, ?)",
        (flood.position, flood.since, flood.until, flood.matches, flood.uploads),
    )
    return entered.rowcount == 1


def _bucket(settings: FloodSettings, now: float) -> int:
    return int(now * _BUCKETS / settings.window_s)


def _add(connection: sqlite3.Connection, bucket: int, position: int, count: int) -> None:
    connection.execute(
        "INSERT INTO seen (bucket, position, count) VALUES (?, ?, ?) "
        "ON CONFLICT (position, bucket) DO UPDATE SET count = count + excluded.count",
        (bucket, position, count),
    )
