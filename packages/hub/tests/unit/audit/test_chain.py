"""The chain's arithmetic: golden values, so that neither the SQL nor the Python can drift, and every kind of break."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from staydown_hub.audit.chain import (
    START,
    BadHeadError,
    Head,
    Sealed,
    parse_head,
    problems_in,
    record_fields,
    seal_hash,
)

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
FIELDS = record_fields(
    record_id=7,
    at=AT,
    act="thing done",
    organisation=UUID(int=1),
    person=None,
    subject="thing:1",
    detail='{"word":"grüße"}',
    source="test",
)


def chain(length: int) -> list[Sealed]:
    seals, previous = [], START
    for position in range(length):
        digest = seal_hash(previous=previous, position=position, fields=FIELDS)
        seals.append(Sealed(position=position, previous_hash=previous, hash=digest, fields=FIELDS))
        previous = digest
    return seals


def test_the_fields_are_texts() -> None:
    assert FIELDS == (
        "7",
        "2026-01-02T03:04:05.678901Z",
        "thing done",
        "00000000-0000-0000-0000-000000000001",
        None,
        "thing:1",
        '{"word":"grüße"}',
        "test",
    )


def test_a_time_is_hashed_in_utc() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5)))
    fields = record_fields(
        record_id=7,
        at=elsewhere,
        act="thing done",
        organisation=UUID(int=1),
        person=None,
        subject="thing:1",
        detail='{"word":"grüße"}',
        source="test",
    )
    assert fields == FIELDS


def test_the_hash_is_the_written_one() -> None:
    by_hand = (
        START
        + bytes(8)
        + b"\x00\x00\x00\x017"
        + b"\x00\x00\x00\x1b2026-01-02T03:04:05.678901Z"
        + b"\x00\x00\x00\x0athing done"
        + b"\x00\x00\x00\x2400000000-0000-0000-0000-000000000001"
        + b"\xff\xff\xff\xff"
        + b"\x00\x00\x00\x07thing:1"
        + b'\x00\x00\x00\x12{"word":"gr\xc3\xbc\xc3\x9fe"}'
        + b"\x00\x00\x00\x04test"
    )
    assert seal_hash(previous=START, position=0, fields=FIELDS) == hashlib.sha256(by_hand).digest()


@pytest.mark.parametrize("position", range(len(FIELDS)))
def test_every_field_counts(position: int) -> None:
    other = (*FIELDS[:position], "other", *FIELDS[position + 1 :])
    assert seal_hash(previous=START, position=0, fields=other) != seal_hash(previous=START, position=0, fields=FIELDS)


def test_a_border_between_fields_counts() -> None:
    moved = (*FIELDS[:5], "thing", ':1{"word":"grüße"}', "test")
    assert seal_hash(previous=START, position=0, fields=moved) != seal_hash(previous=START, position=0, fields=FIELDS)


def test_a_whole_chain_has_no_problem() -> None:
    assert list(problems_in(chain(5))) == []
    assert list(problems_in([])) == []


def test_each_break_is_named() -> None:
    one, two, three = chain(3)
    assert list(problems_in([one, three])) == [
        "positions 1 to 1 are missing",
        "position 2 does not follow from what stands before it",
    ]
    assert list(problems_in([one, replace(two, fields=None), three])) == ["position 1 has lost its record"]
    changed = replace(two, fields=("8", *FIELDS[1:]))
    assert list(problems_in([one, changed, three])) == ["position 1 was changed after it was sealed"]


def test_a_head_is_written_and_read() -> None:
    head = Head(position=41, hash=bytes(range(32)))
    assert parse_head(str(head)) == head


@pytest.mark.parametrize(
    "text", ["", "41", "41:", ":00", "x:" + "00" * 32, "-1:" + "00" * 32, "41:" + "00" * 31, "41:zz"]
)
def test_another_head_is_refused(text: str) -> None:
    with pytest.raises(BadHeadError, match="A head looks like"):
        parse_head(text)
