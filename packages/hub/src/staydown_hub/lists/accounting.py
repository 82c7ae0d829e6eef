"""Whether every entry is what the audit log says was written, and the tree over them the one that was signed."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.db import connection, transaction

from staydown_hub.sealing.errors import LostMemoryError
from staydown_hub.sealing.memory import Signed, read_signed
from staydown_hub.sealing.tree import CompactRange, leaf_hash

ACTS: Final = {
    "admit": "entry admitted",
    "amend": "entry amended",
    "withdraw": "entry withdrawn",
    "redact": "entry redacted",
}
_CARRYING: Final = {"admit", "amend"}

# One statement sees one state of both tables, also while entries are being written.
_BOTH: Final = """
    SELECT 1 AS turn, r.act, r.subject, r.detail, NULL AS slug, NULL AS position, r.id, NULL AS leaf_hash, NULL AS salt
    FROM audit_record r WHERE r.act = ANY(%s)
    UNION ALL
    SELECT 2, e.operation, 'item:' || e.item_id, e.body, s.slug, e.position, e.id, e.leaf_hash, e.salt
    FROM entry e JOIN shared_list s ON s.id = e.shared_list_id
    ORDER BY turn, slug, position, id
"""
_ROWS_A_FETCH: Final = 2000
_Place = tuple[str, int]


def told_of(slug: str, position: int, leaf: bytes) -> dict[str, str | int]:
    """Return what an entry's audit record says of it.

    The leaf's hash goes in as base64: the audit log refuses what is written like a fingerprint. It covers a random
    salt, so once the entry is redacted nothing can be guessed against it.
    """
    return {"list": slug, "position": position, "leaf_hash": base64.b64encode(leaf).decode()}


@dataclass(slots=True)
class _Comparison:
    """What the records say of each place, until the entry that stands there is seen."""

    said: dict[_Place, bytes] = field(default_factory=dict)

    def take_record(self, act: str, subject: str, detail: str) -> Iterator[str]:
        try:
            told: dict[str, Any] = json.loads(detail)
            place, digest = (str(told["list"]), int(told["position"])), base64.b64decode(told["leaf_hash"])
        except (ValueError, KeyError, TypeError):
            yield "a record of an entry does not say which"
            return
        if place in self.said:
            # A later record may not stand in for the one that was made with the entry.
            yield f"list {place[0]}: position {place[1]} is recorded more than once"
        else:
            self.said[place] = _told(act, subject, digest)

    def take_entry(self, place: _Place, told: bytes) -> Iterator[str]:
        recorded = self.said.pop(place, None)
        if recorded is None:
            yield f"list {place[0]}: the entry at position {place[1]} was never recorded"
        elif recorded != told:
            yield f"list {place[0]}: the entry at position {place[1]} was changed after it was written"

    def missing(self) -> Iterator[str]:
        for slug, position in sorted(self.said):
            yield f"list {slug}: the entry at position {position} is missing"


@dataclass(slots=True)
class _Erasures:
    """Which texts are gone, and which of them a redaction names."""

    gone: set[_Place] = field(default_factory=set)
    named: set[_Place] = field(default_factory=set)

    def take_entry(self, place: _Place, *, operation: str, body: str | None) -> None:
        if body is None:
            self.gone.add(place)
        elif operation == "redact":
            self.named |= {(place[0], position) for position in json.loads(body)["positions"]}

    def problems(self) -> Iterator[str]:
        for slug, position in sorted(self.gone - self.named):
            yield f"list {slug}: the text at position {position} is gone, and no redaction names it"
        for slug, position in sorted(self.named - self.gone):
            yield f"list {slug}: the text at position {position} is there, although a redaction names it"


@dataclass(slots=True)
class _Trees:
    """The tree over each list's entries, compared with what was signed of it."""

    signed: Mapping[str, Signed]
    present: dict[str, CompactRange] = field(default_factory=dict)

    def take_entry(self, slug: str, leaf: bytes) -> Iterator[str]:
        tree = self.present.setdefault(slug, CompactRange())
        tree.append(leaf)
        signed = self.signed.get(slug)
        if signed and signed.size == tree.size and signed.root != tree.root():
            yield f"list {slug}: its first {signed.size} entries are not those that were signed"

    def problems(self) -> Iterator[str]:
        for slug, signed in sorted(self.signed.items()):
            size = self.present.get(slug, CompactRange()).size
            if size < signed.size:
                yield f"list {slug}: {signed.size} entries were signed, and {size} are there"


def signed_lists(folder: Path) -> dict[str, Signed]:
    """Return what was last signed of each list, from the signing folder. Raises LostMemoryError."""
    return {one.name: read_signed(one) for one in sorted(folder.iterdir()) if one.is_dir()} if folder.is_dir() else {}


def problems(signing_folder: Path | None = None) -> tuple[str, ...]:
    """Compare every entry with its audit record; return one line a problem, nothing when all agree.

    With the signing folder, each list's tree is compared with its last signed checkpoint too. That the records
    themselves are whole is for ``audit.queries.verify`` to say.
    """
    try:
        signed = signed_lists(signing_folder) if signing_folder else {}
    except LostMemoryError as error:
        return (str(error),)
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_BOTH, [list(ACTS.values())])
        return tuple(_compared(cursor, _Trees(signed)))


def _compared(cursor: Any, trees: _Trees) -> Iterator[str]:  # noqa: ANN401 -- Django's cursors have no common type
    comparison, erasures = _Comparison(), _Erasures()
    while rows := cursor.fetchmany(_ROWS_A_FETCH):
        for turn, act, subject, text, slug, position, _, leaf, salt in rows:
            if turn == 1:
                yield from comparison.take_record(act, subject, text)
                continue
            place, committed = (slug, position), _committed(bytes(leaf), salt, text, operation=act)
            erasures.take_entry(place, operation=act, body=text)
            yield from comparison.take_entry(place, _told(ACTS.get(act, act), subject, committed))
            yield from trees.take_entry(slug, bytes(leaf))
    yield from comparison.missing()
    yield from erasures.problems()
    yield from trees.problems()


def _committed(leaf: bytes, salt: memoryview | bytes | None, body: str | None, *, operation: str) -> bytes:
    """Return the leaf's hash if the text is the one that it commits to, or was erased as texts can be; else nothing."""
    if salt is None and body is None and operation in _CARRYING:
        return leaf
    is_true = salt is not None and body is not None and leaf_hash(bytes(salt), body) == leaf
    return leaf if is_true else b""


def _told(act: str, subject: str, leaf: bytes) -> bytes:
    # Only its hash is kept: lists are long.
    return hashlib.sha256(f"{act}\n{subject}\n".encode() + leaf).digest()
