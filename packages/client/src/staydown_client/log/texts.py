"""Proofs as text files that other tools read too: C2SP's tlog-proof, and the request form of its tlog-witness."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from staydown_client.errors import LogRefusedError
from staydown_client.log.bundle import ENTRY, REDACTED
from staydown_client.log.hashing import HASH_BYTES, SALT_BYTES, leaf_hash
from staydown_client.log.notes import parse_checkpoint_body, parse_note
from staydown_client.log.proofs import verify_consistency, verify_inclusion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from staydown_client.log.bundle import Record
    from staydown_client.log.notes import Checkpoint

INCLUSION_HEAD: Final = "c2sp.org/tlog-proof@v1"
MAX_TEXT_CHARACTERS: Final = 4 * 1024 * 1024
_MAX_HASHES: Final = 63
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That `record` is at `index` of the list whose checkpoint is `note`. Nothing of it is believed yet."""

    index: int
    record: Record
    hashes: tuple[bytes, ...]
    note: str

    @property
    def leaf(self) -> bytes:
        """The leaf's hash that the record leads to."""
        first, body = self.record
        return first if body is None else leaf_hash(first + body)

    def holds_for(self, checkpoint: Checkpoint) -> bool:
        """Say whether the record is in the tree of a checkpoint, which the caller believes."""
        return verify_inclusion(
            self.hashes, leaf=self.leaf, index=self.index, size=checkpoint.size, root=checkpoint.root
        )

    def text(self) -> str:
        """Return the proof as a tlog-proof; its extra data is the leaf's content, or the hash of a redacted leaf."""
        first, body = self.record
        extra = bytes((REDACTED,)) + first if body is None else bytes((ENTRY,)) + first + body
        lines = [INCLUSION_HEAD, f"extra {_encoded(extra)}", f"index {self.index}", *map(_encoded, self.hashes)]
        return "\n".join(lines) + "\n\n" + self.note


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the list whose checkpoint is `note` begins with an older one of `old_size` entries. Not believed yet."""

    old_size: int
    hashes: tuple[bytes, ...]
    note: str

    def holds_for(self, old: Checkpoint, checkpoint: Checkpoint) -> bool:
        """Say whether the newer of two checkpoints, both of which the caller believes, continues the older."""
        return self.old_size == old.size and verify_consistency(
            self.hashes, old_size=old.size, old_root=old.root, size=checkpoint.size, root=checkpoint.root
        )

    def text(self) -> str:
        """Return the proof in the form in which tlog-witness has it: the old size, the hashes, the checkpoint."""
        return "\n".join([f"old {self.old_size}", *map(_encoded, self.hashes)]) + "\n\n" + self.note


def parse_proof(text: str) -> InclusionProof | ConsistencyProof:
    """Read either form; raise `LogRefusedError` (garbage) for anything else."""
    head, blank, note = text.partition("\n\n")
    if len(text) > MAX_TEXT_CHARACTERS or not blank:
        _garbage()
    parse_checkpoint_body(parse_note(note).body)
    lines = head.split("\n")
    if lines[0] == INCLUSION_HEAD:
        return _inclusion(lines[1:], note)
    return ConsistencyProof(_after("old", lines[:1]), _hashes(lines[1:]), note)


def _inclusion(lines: Sequence[str], note: str) -> InclusionProof:
    if not lines or not lines[0].startswith("extra "):
        _garbage()
    extra = _decoded(lines[0].removeprefix("extra "))
    record: Record
    if extra[:1] == bytes((ENTRY,)) and len(extra) > SALT_BYTES:
        record = (extra[1 : 1 + SALT_BYTES], extra[1 + SALT_BYTES :])
    elif extra[:1] == bytes((REDACTED,)) and len(extra) == 1 + HASH_BYTES:
        record = (extra[1:], None)
    else:
        _garbage()
    return InclusionProof(_after("index", lines[1:2]), record, _hashes(lines[2:]), note)


def _after(word: str, lines: Sequence[str]) -> int:
    name, _, number = (lines[0] if lines else "").partition(" ")
    if name != word or not _NUMBER.fullmatch(number):
        _garbage()
    return int(number)


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    found = tuple(map(_decoded, lines))
    if len(found) > _MAX_HASHES or any(len(each) != HASH_BYTES for each in found):
        _garbage()
    return found


def _encoded(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        _garbage()


def _garbage() -> NoReturn:
    raise LogRefusedError(
        "This is no proof: neither a tlog-proof of an entry nor a proof that one list continues another. Make one with "
        "staydown log prove.",
        problem="garbage",
    )
