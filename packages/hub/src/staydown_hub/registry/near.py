"""Many files looked for by near match at once: among the stored items, and among each other."""

import logging
import socket
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection

from staydown_hub.config.environment import BadSettingError
from staydown_hub.near import wire
from staydown_hub.near.places import socket_path
from staydown_hub.registry.errors import NearMatchAwayError
from staydown_hub.rules.fingerprints import MAX_DISTANCE_BITS, MIN_QUALITY, VALUE_BYTES, AskedNear

# Comparing takes about a microsecond. Up to so many the database does it quicker than another process is asked.
_COMPARED_HERE: Final = 200_000
# And so many it does when that process is away, in some seconds; more would keep everybody waiting.
_COMPARED_AT_MOST: Final = 10_000_000
_ANSWER_TIMEOUT_S: Final = 30.0
# What was ever stored at most: known at once, however many there are.
_STORED: Final = "SELECT coalesce((SELECT last_value FROM pg_sequences WHERE sequencename = 'fingerprint_id_seq'), 0)"
_SEQUENTIAL: Final = """
    WITH asked AS MATERIALIZED (
        SELECT place, kind, pdq_bits(value) AS bits
        FROM unnest(%s::int[], %s::text[], %s::bytea[]) AS given(place, kind, value)
    )
    SELECT a.place, f.item_id, count(DISTINCT a.bits), min(bit_count(pdq_bits(f.value) # a.bits)) AS distance_bits
    FROM fingerprint f JOIN item i ON i.id = f.item_id JOIN asked a ON a.kind = i.kind
    WHERE f.algorithm = 'pdq' AND f.quality >= %s AND bit_count(pdq_bits(f.value) # a.bits) <= %s
    GROUP BY a.place, f.item_id, i.opened_at ORDER BY a.place, distance_bits, i.opened_at, f.item_id
"""
# The same of those pairs only that the near process named: it knows hashes, and nothing of items.
_NAMED: Final = """
    SELECT met.place, f.item_id, count(DISTINCT met.value), min(bit_count(pdq_bits(f.value) # pdq_bits(met.value)))
        AS distance_bits
    FROM unnest(%s::int[], %s::text[], %s::bytea[], %s::bigint[]) AS met(place, kind, value, id)
    JOIN fingerprint f ON f.id = met.id JOIN item i ON i.id = f.item_id AND i.kind = met.kind
    WHERE f.algorithm = 'pdq' AND f.quality >= %s AND bit_count(pdq_bits(f.value) # pdq_bits(met.value)) <= %s
    GROUP BY met.place, f.item_id, i.opened_at ORDER BY met.place, distance_bits, i.opened_at, f.item_id
"""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sought:
    """One file that no exact fingerprint names: its kind, and the hashes that it is looked for by."""

    kind: str
    asked: AskedNear


def nearest(sought: Sequence[Sought]) -> list[UUID | None]:
    """Return for each file the stored item that is nearest to it, the older of equals; None when none is near.

    Where much is stored the near process names the hashes, made complete for this very question; the database alone
    says what follows. Raises NearMatchAwayError when that process is away and there is too much to do without it.
    """
    rows = [(place, one.kind, value) for place, one in enumerate(sought) for value in one.asked.values]
    found: list[UUID | None] = [None] * len(sought)
    if rows:
        for place, item_id, near, _ in _near(rows):
            if found[place] is None and near >= sought[place].asked.least_near:
                found[place] = item_id
    return found


def _near(rows: list[tuple[int, str, bytes]]) -> list[tuple[int, UUID, int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_STORED)
        compared = cursor.fetchone()[0] * len(rows)
        named = None if compared <= _COMPARED_HERE else _ask(rows)
        if named is None and compared > _COMPARED_AT_MOST:
            raise NearMatchAwayError
        columns: list[list[Any]] = [list(column) for column in zip(*(rows if named is None else named), strict=True)]
        if columns:
            statement = _SEQUENTIAL if named is None else _NAMED
            cursor.execute(statement, [*columns, MIN_QUALITY, MAX_DISTANCE_BITS])
        return cursor.fetchall() if columns else []


def _ask(rows: list[tuple[int, str, bytes]]) -> list[tuple[int, str, bytes, int]] | None:
    """Return the rows that a stored hash is near to, each with that fingerprint's key; None when nobody answers."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(_ANSWER_TIMEOUT_S)
            asking.connect(str(socket_path()))
            return [(*rows[place], key) for place, key in wire.ask(asking, [value for _, _, value in rows])]
    except (OSError, wire.BrokenOffError, BadSettingError) as error:
        _log.warning("the near process does not answer (%s)", type(error).__name__)
        return None


def alike(sought: Sequence[Sought]) -> list[int | None]:
    """Return for each file the place of the nearest one before it that it is near to; None when there is none."""
    owners = [place for place, one in enumerate(sought) for _ in one.asked.values]
    found: list[int | None] = [None] * len(sought)
    if len(set(owners)) <= 1:
        return found
    import numpy as np  # noqa: PLC0415 -- seconds to load, and most processes of a hub never take a batch
    from staydown_match import HammingIndex  # noqa: PLC0415 -- the same

    joined = b"".join(value for one in sought for value in one.asked.values)
    hashes = np.frombuffer(joined, np.uint8).reshape(-1, VALUE_BYTES["pdq"])
    index = HammingIndex()
    index.add(np.array(owners, np.uint64), hashes)
    matches = index.search(hashes, MAX_DISTANCE_BITS)
    met: defaultdict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    for query, key, distance in zip(
        matches.query.tolist(), matches.key.tolist(), matches.distance_bits.tolist(), strict=True
    ):
        place = owners[query]
        if key < place and sought[key].kind == sought[place].kind:
            met[place, key].setdefault(query, distance)
    best: dict[int, tuple[int, int]] = {}
    for (place, other), distances in met.items():
        if len(distances) >= sought[place].asked.least_near:
            best[place] = min(best.get(place, (MAX_DISTANCE_BITS, other)), (min(distances.values()), other))
    for place, (_, other) in best.items():
        found[place] = other
    return found
