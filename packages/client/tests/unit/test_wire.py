"""JSON from outside: strict, and never anything but a value or a refusal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staydown_client.errors import HubMisbehavedError
from staydown_client.wire import known_fields_at, parse_json


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"a": 1, "a": 2}',
        b"[NaN]",
        b"[Infinity]",
        b"[" * 100_000,
        b"1" * 10_000,
        "[1]".encode("utf-16"),
        b"[1] [2]",
    ],
    ids=["empty", "cut", "not utf-8", "repeated", "nan", "infinity", "deep", "huge number", "utf-16", "two"],
)
def test_what_is_not_strict_json_is_refused(data: bytes) -> None:
    with pytest.raises(HubMisbehavedError):
        parse_json(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_refusal(data: bytes) -> None:
    try:
        value = parse_json(data)
    except HubMisbehavedError:
        return
    assert value == json.loads(data)


def test_fields_that_do_not_matter_are_passed_over_and_missing_ones_named() -> None:
    assert known_fields_at({"a": 1, "b": 2}, "answer", fields=("a",)) == {"a": 1}
    with pytest.raises(HubMisbehavedError, match=r"answer\.c"):
        known_fields_at({"a": 1}, "answer", fields=("a", "c"))
    with pytest.raises(HubMisbehavedError, match="must be an object"):
        known_fields_at([], "answer", fields=())
