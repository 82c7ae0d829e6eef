"""Proofs and tiles against RFC 6962's recursion, for every small tree and for trees over several levels of tiles."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from staydown_client.errors import LogRefusedError
from staydown_client.log.proofs import (
    consistency_proof,
    inclusion_proof,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from staydown_client.log.tiles import Tiles, index_path, tile_path

from packages.client.tests import slow_tree
from packages.client.tests.made_log import MadeLog, record

LEAVES = [slow_tree.leaf(b"%d" % number) for number in range(700)]
SMALL = 33


@pytest.fixture(scope="module")
def log() -> MadeLog:
    made = MadeLog()
    for number in range(66_000):
        made.append_record(record(b"%d" % number, salt=b""))
    return made


def tiles_of(log: MadeLog, size: int, *, drop_partial: bool = False) -> Tiles:
    def fetch(path: str) -> bytes | None:
        _, level, *groups = path.removesuffix("/").split("/")
        width = 256
        if groups[-2:-1] and groups[-2].endswith(".p"):
            width = int(groups.pop())
            groups[-1] = groups[-1].removesuffix(".p")
            if drop_partial:
                return None
        return log.tile(int(level), int("".join(groups).replace("x", "")), width=width)

    return Tiles(fetch, size=size)


def test_every_proof_of_every_small_tree_is_the_recursions(log: MadeLog) -> None:
    for size in range(1, SMALL):
        leaves, root = LEAVES[:size], slow_tree.mth(LEAVES[:size])
        tiles = tiles_of(log, size)
        assert root_of(tiles, size=size) == root
        for index in range(size):
            proof = inclusion_proof(tiles, index=index, size=size)
            assert proof == slow_tree.path(index, leaves)
            assert verify_inclusion(proof, leaf=leaves[index], index=index, size=size, root=root)
        for old in range(size + 1):
            proof = consistency_proof(tiles, old_size=old, size=size)
            assert proof == (slow_tree.proof(old, leaves) if old else [])
            old_root = slow_tree.mth(leaves[:old])
            assert verify_consistency(proof, old_size=old, old_root=old_root, size=size, root=root)


@given(st.integers(1, 700), st.integers(0, 699), st.integers(0, 700))
@settings(max_examples=50)
def test_proofs_over_tiles_are_the_recursions(log: MadeLog, size: int, index: int, old: int) -> None:
    index, old = index % size, old % (size + 1)
    tiles = tiles_of(log, size)
    assert inclusion_proof(tiles, index=index, size=size) == slow_tree.path(index, LEAVES[:size])
    if old:
        assert consistency_proof(tiles, old_size=old, size=size) == slow_tree.proof(old, LEAVES[:size])


@given(st.integers(1, 66_000), st.data())
@settings(max_examples=25)
def test_proofs_over_three_levels_of_tiles_verify(log: MadeLog, size: int, data: st.DataObject) -> None:
    tiles, root = tiles_of(log, size), log.root(size)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(0, size))
    assert root_of(tiles, size=size) == root
    proof = inclusion_proof(tiles, index=index, size=size)
    assert verify_inclusion(proof, leaf=log.leaves[index], index=index, size=size, root=root)
    proof = consistency_proof(tiles, old_size=old, size=size)
    assert verify_consistency(proof, old_size=old, old_root=log.root(old), size=size, root=root)


@given(st.integers(1, 64), st.data())
def test_nothing_else_is_proved(size: int, data: st.DataObject) -> None:
    leaves, root = LEAVES[:size], slow_tree.mth(LEAVES[:size])
    index = data.draw(st.integers(0, size - 1))
    proof = slow_tree.path(index, leaves)
    other = data.draw(st.integers(-1, size + 1).filter(lambda n: n != index))
    assert not verify_inclusion(proof, leaf=leaves[index], index=other, size=size, root=root)
    assert not verify_inclusion(proof, leaf=LEAVES[-1], index=index, size=size, root=root)
    assert not verify_inclusion([*proof, root], leaf=leaves[index], index=index, size=size, root=root)
    assert not verify_inclusion(proof, leaf=leaves[index], index=index, size=size, root=bytes(32))
    if proof:
        assert not verify_inclusion(proof[:-1], leaf=leaves[index], index=index, size=size, root=root)


@given(st.integers(2, 64), st.data())
def test_a_fork_or_a_shorter_log_is_never_consistent(size: int, data: st.DataObject) -> None:
    leaves, root = LEAVES[:size], slow_tree.mth(LEAVES[:size])
    old = data.draw(st.integers(1, size - 1))
    changed = data.draw(st.integers(0, old - 1))
    forked = slow_tree.mth([*leaves[:changed], LEAVES[-1], *leaves[changed + 1 : old]])
    proof = slow_tree.proof(old, leaves)
    old_root = slow_tree.mth(leaves[:old])
    assert not verify_consistency(proof, old_size=old, old_root=forked, size=size, root=root)
    assert not verify_consistency(proof, old_size=old, old_root=old_root, size=size, root=bytes(32))
    assert not verify_consistency(proof, old_size=size, old_root=root, size=old, root=old_root)
    assert not verify_consistency([*proof, root], old_size=old, old_root=old_root, size=size, root=root)
    assert not verify_consistency(proof[:-1], old_size=old, old_root=old_root, size=size, root=root)
    assert not verify_consistency([root], old_size=size, old_root=root, size=size, root=root)


def test_the_empty_tree_is_continued_by_every_tree_and_continues_none() -> None:
    empty, root = slow_tree.mth([]), slow_tree.mth(LEAVES[:3])
    assert verify_consistency([], old_size=0, old_root=empty, size=3, root=root)
    assert verify_consistency([], old_size=0, old_root=empty, size=0, root=empty)
    assert not verify_consistency([], old_size=0, old_root=root, size=3, root=root)
    assert not verify_consistency([], old_size=0, old_root=empty, size=0, root=root)
    assert not verify_consistency([], old_size=3, old_root=root, size=0, root=empty)


@pytest.mark.parametrize(("index", "path"), [(0, "000"), (67, "067"), (1000, "x001/000"), (1_234_067, "x001/x234/067")])
def test_paths_are_those_of_the_specification(index: int, path: str) -> None:
    assert index_path(index) == path
    assert tile_path(1, index) == f"tile/1/{path}"
    assert tile_path(0, index, width=17) == f"tile/0/{path}.p/17"


def test_a_partial_tile_that_was_dropped_is_read_from_the_full_one(log: MadeLog) -> None:
    tiles = tiles_of(log, 300, drop_partial=True)
    assert tiles.node(0, 299) == log.leaves[299]
    assert root_of(tiles_of(log, 100, drop_partial=True), size=100) == log.root(100)


def test_a_tile_of_another_size_or_none_is_refused(log: MadeLog) -> None:
    answers: list[bytes | None] = [None, b"", bytes(31), bytes(257 * 32)]
    while answers:
        with pytest.raises(LogRefusedError) as caught:
            Tiles(lambda _path: answers[-1], size=300).node(0, 299)
        assert caught.value.problem == "garbage"
        answers.pop()
    with pytest.raises(IndexError):
        tiles_of(log, 300).node(8, 1)
    with pytest.raises(ValueError, match="within the tree"):
        inclusion_proof(tiles_of(log, 300), index=300, size=300)
    with pytest.raises(ValueError, match="does not continue"):
        consistency_proof(tiles_of(log, 300), old_size=301, size=300)
