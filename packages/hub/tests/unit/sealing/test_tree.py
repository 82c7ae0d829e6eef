"""The compact range, the files of hashes and their tiles against RFC 6962 as it is written."""

import hashlib
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from staydown_hub.sealing.hashes import TreeFiles
from staydown_hub.sealing.paths import TilePlace
from staydown_hub.sealing.tree import CompactRange, node_hash

from packages.hub.tests.unit.sealing.oracle import audit_path, subproof, tree_hash

LEAVES = [hashlib.sha256(b"\x00%d" % number).digest() for number in range(1400)]
SIZES = st.one_of(
    st.integers(0, 40), st.integers(0, len(LEAVES)), st.sampled_from([255, 256, 257, 511, 512, 768, 1024])
)


def nodes_of(level: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the roots of all perfect trees of 256**level leaves, by the oracle."""
    width = 256**level
    return [tree_hash(leaves[start : start + width]) for start in range(0, len(leaves) - width + 1, width)]


class Tiles:
    """Reads single nodes of a tree from its tiles, as a verifier does that has nothing else."""

    def __init__(self, files: TreeFiles, size: int) -> None:
        self._files = files
        self._size = size

    def root(self, start: int, end: int) -> bytes:
        """Return the hash over the leaves from start to end: RFC 6962's recursion, with perfect trees from tiles."""
        width = end - start
        if width & (width - 1) == 0 and start % width == 0:
            return self._perfect(start, width)
        split = 1 << (width - 1).bit_length() - 1
        return node_hash(self.root(start, start + split), self.root(start + split, end))

    def _perfect(self, start: int, width: int) -> bytes:
        level = (width.bit_length() - 1) // 8
        span = 256**level
        nodes = b"".join(self._node(level, at // span) for at in range(start, start + width, span))
        while len(nodes) > 32:
            nodes = b"".join(
                node_hash(nodes[at : at + 32], nodes[at + 32 : at + 64]) for at in range(0, len(nodes), 64)
            )
        return nodes

    def _node(self, level: int, index: int) -> bytes:
        held = (self._size >> (8 * level)) - (index // 256) * 256
        tile = self._files.tile(TilePlace(level, index // 256, min(256, held)), size=self._size)
        assert tile is not None
        return tile[(index % 256) * 32 : (index % 256 + 1) * 32]


@given(SIZES)
def test_a_compact_range_has_the_roots_of_the_tree(size: int) -> None:
    grown = CompactRange()
    grown.extend(LEAVES[:size])
    assert grown.root() == tree_hash(LEAVES[:size])
    again = CompactRange(size, grown.hashes)
    again.extend(LEAVES[size : size + 3])
    assert again.root() == tree_hash(LEAVES[: again.size])
    assert (grown.size, grown.root()) == (size, tree_hash(LEAVES[:size])), "the first one is not touched"


def test_a_compact_range_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="3 leaves has 2 hashes"):
        CompactRange(3, LEAVES[:1])


@settings(max_examples=25, deadline=None)
@given(st.lists(SIZES, min_size=1, max_size=4))
def test_files_hold_every_root_and_tile_however_they_grew(sizes: list[int]) -> None:
    sizes = sorted(sizes)
    with tempfile.TemporaryDirectory() as folder:
        for before, after in pairwise([0, *sizes]):
            with TreeFiles(Path(folder)) as files:  # opened anew each time, as after a restart
                assert files.size == before
                files.append(b"".join(LEAVES[before:after]))
        with TreeFiles(Path(folder)) as files:
            size = sizes[-1]
            for one in {0, 1, size // 2, max(0, size - 1), size}:
                assert files.root_at(min(one, size)) == tree_hash(LEAVES[: min(one, size)])
            assert files.root_at(size + 1) is None
            for level in (0, 1):
                nodes = nodes_of(level, LEAVES[:size])
                for place in (TilePlace(level, 0), TilePlace(level, len(nodes) // 256, len(nodes) % 256 or 256)):
                    end = place.index * 256 + place.width
                    expected = b"".join(nodes[end - place.width : end]) if end <= len(nodes) else None
                    assert files.tile(place, size=size) == expected


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_proofs_follow_from_tiles_alone(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(LEAVES)))
    position, smaller = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    leaves = LEAVES[:size]
    with tempfile.TemporaryDirectory() as folder, TreeFiles(Path(folder)) as files:
        files.append(b"".join(LEAVES))  # the tree has grown since: its tiles still prove the smaller one
        tiles = Tiles(files, size)

        def path(start: int, end: int, at: int) -> list[bytes]:
            if end - start <= 1:
                return []
            split = start + (1 << (end - start - 1).bit_length() - 1)
            if at < split:
                return [*path(start, split, at), tiles.root(split, end)]
            return [*path(split, end, at), tiles.root(start, split)]

        def consistency(start: int, end: int, count: int, *, is_whole: bool = True) -> list[bytes]:
            if count == end - start:
                return [] if is_whole else [tiles.root(start, end)]
            split = start + (1 << (end - start - 1).bit_length() - 1)
            if count <= split - start:
                return [*consistency(start, split, count, is_whole=is_whole), tiles.root(split, end)]
            return [*consistency(split, end, count - (split - start), is_whole=False), tiles.root(start, split)]

        assert path(0, size, position) == audit_path(position, leaves)
        assert consistency(0, size, smaller) == subproof(smaller, leaves)


def test_what_was_cut_off_grows_again(tmp_path: Path) -> None:
    with TreeFiles(tmp_path) as files:
        files.append(b"".join(LEAVES[:600]))
        files.cut(300)
        assert files.tile(TilePlace(0, 1), size=600) is None
        files.append(b"".join(LEAVES[300:1024]))
        assert files.root_at(1024) == tree_hash(LEAVES[:1024])


def test_levels_that_a_crash_left_behind_are_mended(tmp_path: Path) -> None:
    with TreeFiles(tmp_path) as files:
        files.append(b"".join(LEAVES[:1030]))
    (tmp_path / "level-1").write_bytes(b"")
    with (tmp_path / "level-0").open("ab") as file:
        file.write(b"half a hash")
    with TreeFiles(tmp_path) as files:
        assert files.size == 1030
        assert files.root_at(1030) == tree_hash(LEAVES[:1030])
        files.append(LEAVES[1030])
        assert files.root_at(1031) == tree_hash(LEAVES[:1031])
