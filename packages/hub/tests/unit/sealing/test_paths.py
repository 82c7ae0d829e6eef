"""Each tile and bundle has one path, and every other text has none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staydown_hub.sealing.paths import TilePlace, index_path, parse_index, parse_tile, tile_path


@given(st.integers(0, 10**15))
def test_an_index_comes_back_from_its_path(index: int) -> None:
    assert parse_index(index_path(index)) == index


@given(st.builds(TilePlace, st.integers(0, 63), st.integers(0, 10**15), st.integers(1, 256)))
def test_a_tile_comes_back_from_its_path(place: TilePlace) -> None:
    assert parse_tile(tile_path(place)) == place


@pytest.mark.parametrize(
    "path",
    [
        "",
        "1",
        "12",
        "1000",
        "x000/001",
        "x001",
        "x001/",
        "/001",
        "001/002",
        "x01/002",
        "-01",
        "001 ",
        "\u0660\u0660\u0661",
        "x001/x002",
        "..",
        "001/..",
    ],
)
def test_no_other_text_is_an_index(path: str) -> None:
    assert parse_index(path) is None
    assert parse_tile(f"0/{path}") is None


@pytest.mark.parametrize(
    "path",
    [
        "001",
        "64/001",
        "00/001",
        "-1/001",
        "0/001.p/0",
        "0/001.p/256",
        "0/001.p/01",
        "0/001.p/",
        "0/001.p",
        "0/001.p/5/",
        "0//001",
        "0/001/.p/5",
    ],
)
def test_no_other_text_is_a_tile(path: str) -> None:
    assert parse_tile(path) is None
