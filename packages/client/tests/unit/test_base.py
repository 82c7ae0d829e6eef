"""A base on disk: found by halving as a dictionary would find it, and never believed when it is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from staydown_client.base.columns import BLOCK_ROWS, SortedColumn, fence_of, write_column
from staydown_client.base.files import Base
from staydown_client.base.gathering import Gathering
from staydown_client.base.writing import write_new_base
from staydown_client.entries import EntryReader
from staydown_client.errors import FolderError

from packages.client.tests.conftest import admit, exact, near
from packages.client.tests.made_log import canonical

if TYPE_CHECKING:
    from pathlib import Path

    from staydown_client.base.files import BaseName

COUNT = 2 * BLOCK_ROWS + 10


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BaseName]:
    folder = tmp_path_factory.mktemp("base")
    gathering = Gathering()
    bodies = [canonical(admit(n, exact(f"{n * 2654435761 % 2**64:016x}" * 4), near(f"{n:064x}"))) for n in range(COUNT)]
    gathering.add(EntryReader(gathering.labels).read(bodies, first=0))
    return folder, write_new_base(folder, gathering, size=COUNT)


def digest(number: int) -> bytes:
    return bytes.fromhex(f"{number * 2654435761 % 2**64:016x}" * 4)


def test_every_entry_is_found_one_by_one_and_all_at_once(made: tuple[Path, BaseName]) -> None:
    base = Base(*made)
    sample = [0, 1, BLOCK_ROWS - 1, BLOCK_ROWS, COUNT - 1]
    for number in sample:
        [row] = base.exact("sha256").find(digest(number))
        assert base.said_of(row).admitted_at == number
        assert base.admitted_at((0, number)) == number
    queries = np.frombuffer(b"".join(digest(n) for n in range(COUNT + 50)), np.uint8).reshape(-1, 32)
    rows, found = base.exact("sha256").find_many(queries)
    assert sorted(zip(rows.tolist(), found.tolist(), strict=True)) == [(n, n) for n in range(COUNT)]
    assert not base.exact("sha256").find(digest(COUNT + 1))
    assert base.exact("md5").find(b"\0" * 16) == []
    assert base.admitted_at((0, COUNT)) is base.admitted_at((7, 1)) is None


@given(st.lists(st.integers(0, 40), max_size=60), st.lists(st.integers(0, 45), min_size=1, max_size=20))
def test_halving_finds_what_looking_at_all_finds(
    tmp_path_factory: pytest.TempPathFactory, values: list[int], queries: list[int]
) -> None:
    array = np.array(sorted(values), dtype=np.uint64)
    path = tmp_path_factory.mktemp("column") / "values.npy"
    column = SortedColumn(path, write_column(path, array), fence_of(array))
    wanted = [sum(value < query for value in values) for query in queries]
    assert [column.find(query) for query in queries] == wanted
    assert column.find_many(np.array(queries, dtype=np.uint64)).tolist() == wanted
    assert [len(column.count(query)) for query in queries] == [values.count(query) for query in queries]


@pytest.mark.parametrize("name", ["sha256.start", "sha256.value", "sha256.row", "positions", "labels"])
def test_a_damaged_block_is_refused_when_it_is_read(name: str, made: tuple[Path, BaseName]) -> None:
    folder, named = made
    path = folder / named.name / f"{name}.npy"
    good = path.read_bytes()
    bad = bytearray(good)
    bad[-5] ^= 1
    path.write_bytes(bad)
    try:
        base = Base(folder, named)
        with pytest.raises(FolderError, match="damaged"):
            [base.said_of(row) for number in range(0, COUNT, 7) for row in base.exact("sha256").find(digest(number))]
        with pytest.raises(FolderError, match="damaged"):
            Base(folder, named).table()
    finally:
        path.write_bytes(good)


@pytest.mark.parametrize("name", ["base.json", "guide.npz", "near.index", "positions.npy"])
@pytest.mark.parametrize("damage", ["cut", "changed", "missing"])
def test_a_base_whose_files_are_damaged_is_not_opened(name: str, damage: str, made: tuple[Path, BaseName]) -> None:
    folder, named = made
    path = folder / named.name / name
    good = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(good[: len(good) // 2] if damage == "cut" else b"\x01" + good[1:])
    try:
        with pytest.raises(FolderError, match=r"damaged|missing"):
            Base(folder, named).open_index()
    finally:
        path.unlink(missing_ok=True)
        path.write_bytes(good)
