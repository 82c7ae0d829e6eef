"""A list of many entries as a hub seals it, in files that are served as they are."""

from __future__ import annotations

import hashlib
import json
import sys
import uuid
from pathlib import Path
from typing import Final

import numpy as np
from staydown_hub.sealing.bundles import BundleFiles
from staydown_hub.sealing.keys import FileKey, verifier
from staydown_hub.sealing.records import BUNDLE_RECORDS, Record, header
from staydown_hub.sealing.signer import sign_checkpoint
from staydown_hub.sealing.tree import CompactRange, leaf_hash

ORIGIN: Final = "bench.example/bench"
_AT: Final = "2026-01-02T03:04:05.678901Z"


def body_of(row: bytes) -> str:
    """Return an admission of one picture by MD5, SHA-256 and one PDQ hash, all random: what `row`, 80 bytes, holds."""
    # As the hub's canonical() writes it; made by hand, or ten million would take most of the benchmark's time.
    return (
        '{"admitted_by":["police","support_centre"],"advice":"block","at":"' + _AT + '","categories":["A1"],'
        '"fingerprints":[{"algorithm":"md5","value":"' + row[:16].hex() + '"},'
        '{"algorithm":"pdq","quality":100,"value":"' + row[16:48].hex() + '"},'
        '{"algorithm":"sha256","value":"' + row[48:80].hex() + '"}],'
        '"item":"' + str(uuid.UUID(bytes=row[64:80])) + '","kind":"picture","operation":"admit"}'
    )


def records_of(number: int, count: int) -> list[Record]:
    """Return the records of one bundle, the same on every run."""
    rows = np.random.default_rng(number).integers(0, 256, (count, 112), dtype=np.uint8)
    found = []
    for row in rows:
        salt, body = row[80:].tobytes(), body_of(row[:80].tobytes())
        found.append(Record(leaf_hash(salt, body), salt, body))
    return found


def seal(folder: Path, size: int) -> None:
    """Write bundles, tail, checkpoint and key of a list of `size` entries into `folder`."""
    bundles, tree = BundleFiles(folder / "bundle"), CompactRange()
    for number in range(size // BUNDLE_RECORDS):
        records = records_of(number, BUNDLE_RECORDS)
        bundles.write(number, records)
        tree.extend(record.leaf for record in records)
    full = size // BUNDLE_RECORDS
    tail = records_of(full, size - full * BUNDLE_RECORDS)
    tree.extend(record.leaf for record in tail)
    first = full * BUNDLE_RECORDS
    (folder / "tail").write_bytes(header(first, len(tail)) + b"".join(record.as_bytes() for record in tail))
    key = FileKey.from_seed(ORIGIN, hashlib.sha256(b"bench").digest())
    (folder / "checkpoint").write_text(sign_checkpoint(ORIGIN, [key], size=size, root=tree.root()), encoding="utf-8")
    facts = {"size": size, "vkey": verifier(ORIGIN, key).text, "sample": records_of(0, 1)[0].body}
    (folder / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    seal(Path(sys.argv[1]), int(sys.argv[2]))
