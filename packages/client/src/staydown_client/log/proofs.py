"""Proofs that an entry is in a log, and that one log continues another (RFC 6962, sections 2.1.1 and 2.1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from staydown_client.log.hashing import EMPTY_ROOT, node_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from staydown_client.log.tiles import NodeReader


def root_of(nodes: NodeReader, *, size: int) -> bytes:
    """Return the root of the tree over the first `size` leaves."""
    return _range_hash(nodes, 0, size) if size else EMPTY_ROOT


def inclusion_proof(nodes: NodeReader, *, index: int, size: int) -> list[bytes]:
    """Return the hashes from the leaf's sibling up to the root's child, for the tree over the first `size` leaves."""
    if not 0 <= index < size:
        raise ValueError("There is a proof for a leaf within the tree only.")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        split = start + _largest_power_below(end - start)
        if index < split:
            proof.append(_range_hash(nodes, split, end))
            end = split
        else:
            proof.append(_range_hash(nodes, start, split))
            start = split
    return proof[::-1]


def consistency_proof(nodes: NodeReader, *, old_size: int, size: int) -> list[bytes]:
    """Return the hashes that show the first `old_size` leaves of the tree to be the old tree; none from size 0."""
    if not 0 <= old_size <= size:
        raise ValueError("A log of this size does not continue a larger one.")
    if old_size in {0, size}:
        return []
    proof: list[bytes] = []
    start, end, reaches_start = 0, size, True
    while end != old_size:
        split = start + _largest_power_below(end - start)
        if old_size <= split:
            proof.append(_range_hash(nodes, split, end))
            end = split
        else:
            proof.append(_range_hash(nodes, start, split))
            start, reaches_start = split, False
    if not reaches_start:
        proof.append(_range_hash(nodes, start, end))
    return proof[::-1]


def verify_inclusion(proof: Sequence[bytes], *, leaf: bytes, index: int, size: int, root: bytes) -> bool:
    """Say whether `proof` shows the leaf hash `leaf` at `index` of the tree with `size` leaves and this root.

    The algorithm is that of RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(proof: Sequence[bytes], *, old_size: int, old_root: bytes, size: int, root: bytes) -> bool:
    """Say whether `proof` shows that the tree of `size` with `root` begins with the tree of `old_size` and `old_root`.

    The algorithm is that of RFC 9162, section 2.1.4.2. Every tree continues the empty one: that needs no proof.
    """
    if not 0 <= old_size <= size:
        return False
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT and (size > 0 or root == EMPTY_ROOT)
    if old_size == size:
        return not proof and old_root == root
    # An old tree that is a complete subtree of the new one is its own first node, and is left out of the proof.
    path = [old_root, *proof] if old_size.bit_count() == 1 else list(proof)
    return bool(path) and _climbs_to_both(path, old_size=old_size, old_root=old_root, size=size, root=root)


def _climbs_to_both(path: Sequence[bytes], *, old_size: int, old_root: bytes, size: int, root: bytes) -> bool:
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for each in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(each, old), node_hash(each, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, each)
        node, last = node >> 1, last >> 1
    return last == 0 and old == old_root and new == root


def _range_hash(nodes: NodeReader, start: int, end: int) -> bytes:
    """Return the root over leaves `start` to `end`; `start` is a multiple of a power of two not below their number."""
    length = end - start
    if length.bit_count() == 1:
        height = length.bit_length() - 1
        return nodes.node(height, start >> height)
    split = start + _largest_power_below(length)
    return node_hash(_range_hash(nodes, start, split), _range_hash(nodes, split, end))


def _largest_power_below(number: int) -> int:
    """Return the largest power of two smaller than `number`, which is at least 2."""
    return 1 << (number - 1).bit_length() - 1
