"""Many files looked for by near match at once: among the stored items, and among each other."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection

from staydown_hub.rules.fingerprints import MAX_DISTANCE_BITS, MIN_QUALITY, VALUE_BYTES, AskedNear

# As `queries.find_item` asks for one file: sequential and exact.
_NEAREST: Final = """
    WITH asked AS MATERIALIZED (
        SELECT place, kind, pdq_bits(value) AS bits
        FROM unnest(%s::int[], %s::text[], %s::bytea[]) AS given(place, kind, value)
    )
    SELECT a.place, f.item_id, count(DISTINCT a.bits), min(bit_count(pdq_bits(f.value) # a.bits)) AS distance_bits
    FROM fingerprint f JOIN item i ON i.id = f.item_id JOIN asked a ON a.kind = i.kind
    WHERE f.algorithm = 'pdq' AND f.quality >= %s AND bit_count(pdq_bits(f.value) # a.bits) <= %s
    GROUP BY a.place, f.item_id, i.opened_at ORDER BY a.place, distance_bits, i.opened_at, f.item_id
"""


@dataclass(frozen=True, slots=True)
class Sought:
    """One file that no exact fingerprint names: its kind, and the hashes that it is looked for by."""

    kind: str
    asked: AskedNear


def nearest(sought: Sequence[Sought]) -> list[UUID | None]:
    """Return for each file the stored item that is nearest to it, the older of equals; None when none is near."""
    rows = [(place, one.kind, value) for place, one in enumerate(sought) for value in one.asked.values]
    found: list[UUID | None] = [None] * len(sought)
    if not rows:
        return found
    with connection.cursor() as cursor:
        places, kinds, values = (list(column) for column in zip(*rows, strict=True))
        cursor.execute(_NEAREST, [places, kinds, values, MIN_QUALITY, MAX_DISTANCE_BITS])
        for place, item_id, near, _ in cursor:
            if found[place] is None and near >= sought[place].asked.least_near:
                found[place] = item_id
    return found


def alike(sought: Sequence[Sought]) -> list[int | None]:
    """Return for each file the place of the nearest one before it that it is near to; None when there is none."""
    owners = [place for place, one in enumerate(sought) for _ in one.asked.values]
    found: list[int | None] = [None] * len(sought)
    if len(set(owners)) <= 1:
        return found
    import numpy as np  # noqa: PLC0415 -- seconds to load, and most processes of a hub never take a batch
    from staydown_match import BruteForceIndex  # noqa: PLC0415 -- the same

    joined = b"".join(value for one in sought for value in one.asked.values)
    hashes = np.frombuffer(joined, np.uint8).reshape(-1, VALUE_BYTES["pdq"])
    index = BruteForceIndex()
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
