"""The compact range is the tree: against RFC 6962's own recursion, however the leaves arrive."""

from __future__ import annotations

import hashlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from staydown_client.log.compact_range import MAX_SIZE, CompactRange
from staydown_client.log.hashing import EMPTY_ROOT, entry_leaf_hash, leaf_hash

from packages.client.tests import slow_tree


def leaves(count: int) -> list[bytes]:
    return [slow_tree.leaf(b"%d" % number) for number in range(count)]


def test_hashes_are_those_of_the_rfc() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert entry_leaf_hash(b"s" * 32, b"entry") == slow_tree.leaf(b"s" * 32 + b"entry")


@pytest.mark.parametrize("size", range(70))
def test_every_small_tree_has_the_recursions_root(size: int) -> None:
    tree = CompactRange()
    tree.append_many(leaves(size))
    assert tree.size == size
    assert tree.root() == slow_tree.mth(leaves(size))


@given(st.lists(st.integers(0, 40), max_size=8))
@settings(max_examples=50)
def test_leaves_that_arrive_in_any_portions_make_the_same_tree(portions: list[int]) -> None:
    everything = leaves(sum(portions))
    tree, start = CompactRange(), 0
    for portion in portions:
        tree.append_many(everything[start : start + portion])
        start += portion
        again = CompactRange.from_bytes(tree.to_bytes())
        assert again == tree
        assert tree.root() == again.root() == slow_tree.mth(everything[:start])


@given(st.integers(0, 100), st.integers(0, 100))
@settings(max_examples=40)
def test_a_copy_goes_its_own_way(size: int, more: int) -> None:
    tree = CompactRange()
    tree.append_many(leaves(size))
    tried = tree.copy()
    tried.append_many(leaves(more))
    assert tree.root() == slow_tree.mth(leaves(size))
    assert tried.root() == slow_tree.mth(leaves(size) + leaves(more))


@given(st.binary(max_size=200))
def test_bytes_are_read_only_when_they_are_a_tree(data: bytes) -> None:
    try:
        tree = CompactRange.from_bytes(data)
    except ValueError:
        return
    assert tree.to_bytes() == data


@pytest.mark.parametrize(
    ("size", "hashes"),
    [(1, []), (0, [b"x" * 32]), (3, [b"x" * 32]), (1, [b"x" * 31]), (-1, []), (2 * MAX_SIZE, [b"x" * 32])],
)
def test_what_is_no_tree_is_refused(size: int, hashes: list[bytes]) -> None:
    with pytest.raises(ValueError, match="A tree has"):
        CompactRange(size, hashes)


def test_leaves_that_are_no_hashes_change_nothing() -> None:
    tree = CompactRange()
    tree.append_many(leaves(5))
    before = tree.to_bytes()
    with pytest.raises(ValueError, match="32 bytes"):
        tree.append_many([*leaves(3), b"short"])
    assert tree.to_bytes() == before


def test_a_large_tree_is_quick() -> None:
    # Ten times what it takes on an idle machine, so that a busy one does not fail.
    many = [hashlib.sha256(b"%d" % number).digest() for number in range(100_000)]
    tree = CompactRange()
    started = time.process_time()
    tree.append_many(many)
    assert time.process_time() - started < 2.0
    assert tree.size == len(many)
