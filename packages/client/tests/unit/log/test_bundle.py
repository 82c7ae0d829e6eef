"""Bundles: what was put in comes out; nothing else is believed, whatever its numbers claim."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from staydown_client import entries
from staydown_client.errors import LogRefusedError
from staydown_client.log.bundle import MAX_ENTRY_BYTES, MAX_RECORDS, leaf_hashes, parse_bundle

from packages.client.tests import slow_tree
from packages.client.tests.made_log import MadeRecord, bundle, record

SALTS = st.binary(min_size=32, max_size=32)
ENTRIES = st.builds(lambda body, salt: record(body, salt=salt), st.binary(max_size=300), SALTS)
RECORDS = st.lists(st.one_of(ENTRIES, st.builds(MadeRecord, st.just(b""), st.none(), SALTS)), max_size=12)


@given(st.integers(0, 2**40 - 20), RECORDS)
@settings(max_examples=50)
def test_what_was_put_in_comes_out(first: int, made: list[MadeRecord]) -> None:
    found_first, found = parse_bundle(bundle(first, made))
    assert found_first == first
    assert leaf_hashes(found) == [each.leaf for each in made]
    assert found == [(each.leaf, None) if each.body is None else (each.salt, each.body) for each in made]
    whole = [each for each in made if each.body is not None]
    assert [each.leaf for each in whole] == [slow_tree.leaf(each.salt + (each.body or b"")) for each in whole]


@given(RECORDS, st.integers(1, 100))
@settings(max_examples=50)
def test_a_bundle_cut_anywhere_is_refused(made: list[MadeRecord], cut: int) -> None:
    data = bundle(7, made)
    with pytest.raises(LogRefusedError) as caught:
        parse_bundle(data[: max(0, len(data) - cut)])
    assert caught.value.problem == "garbage"
    with pytest.raises(LogRefusedError):
        parse_bundle(data + bytes(cut))


@given(st.binary(max_size=400), st.sampled_from([b"", b"SDB\x01", b"SDB\x01" + bytes(11) + b"\x03"]))
def test_any_bytes_are_read_whole_or_refused(data: bytes, head: bytes) -> None:
    try:
        first, records = parse_bundle(head + data)
    except LogRefusedError:
        return
    assert (head + data).startswith(b"SDB\x01" + first.to_bytes(8, "big") + len(records).to_bytes(4, "big"))


@pytest.mark.parametrize(
    "data",
    [
        b"SDB\x02" + bytes(12),
        b"SDB\x01" + (2**40).to_bytes(8, "big") + (1).to_bytes(4, "big") + b"\x01" + bytes(32),
        b"SDB\x01" + bytes(8) + (MAX_RECORDS + 1).to_bytes(4, "big") + (b"\x01" + bytes(32)) * (MAX_RECORDS + 1),
        b"SDB\x01" + bytes(8) + (1).to_bytes(4, "big") + b"\x02" + bytes(32),
        b"SDB\x01" + bytes(8) + (1).to_bytes(4, "big") + b"\x00" + bytes(32) + b"\xff\xff\xff\xff" + bytes(64),
        b"SDB\x01" + bytes(8) + (2**32 - 1).to_bytes(4, "big"),
    ],
)
def test_numbers_are_not_believed(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(LogRefusedError):
            parse_bundle(data)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_the_longest_entry_that_is_read_is_the_longest_that_travels() -> None:
    assert MAX_ENTRY_BYTES == entries.MAX_ENTRY_BYTES


def test_a_full_bundle_is_read_quickly() -> None:
    data = bundle(0, [record(b"x" * 600, salt=b"s" * 32)] * MAX_RECORDS)
    started = time.process_time()
    _, records = parse_bundle(data)
    assert time.process_time() - started < 0.2
    assert records == [(b"s" * 32, b"x" * 600)] * MAX_RECORDS
