"""What waits to be told to the hub: matches, in the order they were made; kept until the hub has them."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from staydown_client.errors import BadValueError
from staydown_client.tables import boolean_at, refuse_unknown, whole_number_at

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from staydown_client.verdict import Reason

MAX_BATCH: Final = 1000
MAX_REFERENCE_CHARACTERS: Final = 200
# As the hub has it (docs/reference/reports.md).
_OPAQUE = re.compile(r"[!-~]+")
_TELLING = re.compile(r"://|@|[0-9A-Fa-f]{33}")
_A_DAY_S: Final = 86_400
_MOST_WAITING: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class MatchSettings:
    """The `[matches]` table.

    report: whether matches are reported to the hub at all.
    reference: whether the platform's own reference, where it gave one, is sent along.
    time_step_s: times are rounded down to a multiple of this; 1 to 86,400.
    max_waiting: how many matches wait on disk at most. When as many wait, the oldest stay and new ones are counted
        as dropped.
    """

    report: bool = True
    reference: bool = True
    time_step_s: int = 1
    max_waiting: int = 100_000


@dataclass(frozen=True, slots=True)
class WaitingMatch:
    """One match as it goes to the hub."""

    seq: int
    id: str
    position: int
    distance_bits: int
    algorithm: str
    at: str
    reference: str | None

    def as_json(self, list_name: str) -> dict[str, object]:
        """Return the match in the form of `POST /api/v1/matches`."""
        body: dict[str, object] = {
            "id": self.id,
            "list": list_name,
            "position": self.position,
            "distance_bits": self.distance_bits,
            "algorithm": self.algorithm,
            "at": self.at,
        }
        return body if self.reference is None else body | {"reference": self.reference}


@dataclass(frozen=True, slots=True)
class Outbox:
    """How many matches wait, and what became of the others. `oldest_at` (seconds since 1970) of those that wait."""

    waiting: int
    delivered: int
    dropped: int
    refused: int
    oldest_at: float | None


def read_matches(table: Mapping[str, object]) -> MatchSettings:
    """Read the `[matches]` table; raise `ConfigurationError` naming the first setting that is wrong."""
    refuse_unknown(table, "matches", known=MatchSettings.__dataclass_fields__)
    default = MatchSettings()
    return MatchSettings(
        report=boolean_at(table.get("report", default.report), "matches.report"),
        reference=boolean_at(table.get("reference", default.reference), "matches.reference"),
        time_step_s=whole_number_at(
            table.get("time_step_s", default.time_step_s), "matches.time_step_s", low=1, high=_A_DAY_S
        ),
        max_waiting=whole_number_at(
            table.get("max_waiting", default.max_waiting), "matches.max_waiting", low=1, high=_MOST_WAITING
        ),
    )


def checked_reference(reference: str | None) -> str | None:
    """Return a platform's reference when the hub takes it: opaque, no address, no person, no fingerprint."""
    if reference is None or (
        len(reference) <= MAX_REFERENCE_CHARACTERS and _OPAQUE.fullmatch(reference) and not _TELLING.search(reference)
    ):
        return reference
    raise BadValueError(
        f"reference: give 1 to {MAX_REFERENCE_CHARACTERS} characters of ASCII without spaces, or none. It says nothing "
        "outside your platform: no address (://), no person (@), and no run of 33 hexadecimal digits, which could be a "
        "fingerprint; write such an identifier in another form, a number or a UUID."
    )


def put(
    connection: sqlite3.Connection,
    settings: MatchSettings,
    matches: Iterable[tuple[Reason, str | None]],
    *,
    now: float,
) -> int:
    """Queue matches with their references; return how many found no room and were dropped."""
    if not settings.report:
        return 0
    room = settings.max_waiting - counter(connection, "waiting")
    at = now - now % settings.time_step_s
    rows = [
        (
            str(uuid.uuid4()),
            reason.position,
            reason.distance_bits,
            reason.algorithm,
            at,
            reference if settings.reference else None,
        )
        for reason, reference in matches
    ]
    kept = rows[: max(0, room)]
    connection.executemany(
        "INSERT INTO match (id, position, distance_bits, algorithm, at, reference) VALUES (?, ?, ?, ?, ?, ?)", kept
    )
    count(connection, "waiting", len(kept))
    count(connection, "dropped", len(rows) - len(kept))
    return len(rows) - len(kept)


def waiting_matches(connection: sqlite3.Connection, *, limit: int = MAX_BATCH) -> list[WaitingMatch]:
    """Return the oldest matches that wait."""
    rows = connection.execute(
        "SELECT seq, id, position, distance_bits, algorithm, at, reference FROM match ORDER BY seq LIMIT ?", (limit,)
    )
    return [
        WaitingMatch(seq, match_id, position, distance_bits, algorithm, _moment(at), reference)
        for seq, match_id, position, distance_bits, algorithm, at, reference in rows
    ]


def settle(connection: sqlite3.Connection, matches: Sequence[WaitingMatch], *, counted_as: str) -> None:
    """Take matches off the queue, once each: another process may have delivered them, too."""
    cursor = connection.executemany("DELETE FROM match WHERE seq = ?", [(match.seq,) for match in matches])
    count(connection, "waiting", -cursor.rowcount)
    count(connection, counted_as, cursor.rowcount)


def outbox(connection: sqlite3.Connection) -> Outbox:
    """Return the queue's counts."""
    [oldest_at] = connection.execute("SELECT min(at) FROM match WHERE seq = (SELECT min(seq) FROM match)").fetchone()
    return Outbox(
        waiting=counter(connection, "waiting"),
        delivered=counter(connection, "delivered"),
        dropped=counter(connection, "dropped"),
        refused=counter(connection, "refused"),
        oldest_at=oldest_at,
    )


def counter(connection: sqlite3.Connection, name: str) -> int:
    """Return one of the queue's counts."""
    row = connection.execute("SELECT count FROM counter WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else 0


def count(connection: sqlite3.Connection, name: str, added: int) -> None:
    """Add to one of the queue's counts."""
    if added:
        connection.execute(
            "INSERT INTO counter (name, count) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET count = count + excluded.count",
            (name, added),
        )


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
