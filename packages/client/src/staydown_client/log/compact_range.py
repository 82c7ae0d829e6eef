"""A log's tree kept as the roots of its complete subtrees: enough to add leaves and to know the root of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from staydown_client.log.hashing import EMPTY_ROOT, HASH_BYTES, level_above, node_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_SIZE: Final = 2**40
_SIZE_BYTES: Final = 8


class CompactRange:
    """The tree over the first `size` leaves; about log2(size) hashes, largest subtree first.

    To try leaves that may turn out not to be the log's, add them to a `copy` and keep that only when its root is the
    one that was signed.
    """

    __slots__ = ("_hashes", "_size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Take a tree of `size` leaves from its subtrees' roots; raise ValueError when these cannot be a tree's."""
        if not 0 <= size <= MAX_SIZE:
            raise ValueError("A tree has 0 to 2^40 leaves.")
        if len(hashes) != size.bit_count() or any(len(each) != HASH_BYTES for each in hashes):
            raise ValueError("A tree has one hash of 32 bytes for each bit that is set in its size.")
        self._size = size
        self._hashes = [bytes(each) for each in hashes]

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The roots of the complete subtrees, largest first."""
        return tuple(self._hashes)

    def copy(self) -> CompactRange:
        """Return another of the same state, which then goes its own way."""
        return CompactRange(self._size, self._hashes)

    def append_many(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add leaves by their hashes, in order. Works level by level: a million take about a second."""
        nodes = list(leaf_hashes)
        size = self._size + len(nodes)
        if size > MAX_SIZE or set(map(len, nodes)) - {HASH_BYTES}:
            raise ValueError("A tree has at most 2^40 leaves, each with a hash of 32 bytes.")
        larger = list(self._hashes)
        kept: list[bytes] = []  # smallest subtree first
        height = 0
        while nodes:
            if self._size >> height & 1:
                nodes.insert(0, larger.pop())
            if len(nodes) % 2:
                kept.append(nodes.pop())
            nodes = level_above(nodes)
            height += 1
        self._hashes = larger + kept[::-1]
        self._size = size

    def root(self) -> bytes:
        """Return the root of the whole tree (RFC 6962's Merkle Tree Hash)."""
        if not self._hashes:
            return EMPTY_ROOT
        *larger, root = self._hashes
        for each in reversed(larger):
            root = node_hash(each, root)
        return root

    def to_bytes(self) -> bytes:
        """Return the size as 8 bytes, big-endian, then the hashes."""
        return self._size.to_bytes(_SIZE_BYTES, "big") + b"".join(self._hashes)

    @classmethod
    def from_bytes(cls, data: bytes) -> CompactRange:
        """Read what `to_bytes` wrote; raise ValueError for anything else."""
        size = int.from_bytes(data[:_SIZE_BYTES], "big")
        rest = data[_SIZE_BYTES:]
        if len(data) < _SIZE_BYTES or len(rest) % HASH_BYTES:
            raise ValueError("This is not a tree as it is kept.")
        return cls(size, [rest[start : start + HASH_BYTES] for start in range(0, len(rest), HASH_BYTES)])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CompactRange):
            return NotImplemented
        return (self._size, self._hashes) == (other._size, other._hashes)

    __hash__ = None  # type: ignore[assignment]  # it changes as leaves are added

    def __repr__(self) -> str:
        return f"CompactRange(size={self._size})"
