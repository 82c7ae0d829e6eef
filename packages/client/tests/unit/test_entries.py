"""Entries from the hub: the agreed form is read into columns, and any other is refused with the field's name."""

from __future__ import annotations

import copy
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staydown_client.entries import OPERATIONS, REDACTED, Entries, EntryReader
from staydown_client.errors import LogRefusedError

from packages.client.tests.conftest import Body, admit, amend, exact, item_id, near, withdraw
from packages.client.tests.made_log import canonical

GOOD = admit(1, exact("ab" * 32), near("cd" * 32, 77))
AT = "2026-01-02T03:04:05.678901Z"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def redact(item: int, *positions: int) -> Body:
    return {"operation": "redact", "item": item_id(item), "positions": list(positions), "at": AT}


def read(*bodies: Body | bytes | None, first: int = 0) -> tuple[Entries, EntryReader]:
    reader = EntryReader()
    texts = [canonical(body) if isinstance(body, dict) else body for body in bodies]
    return reader.read(texts, first=first), reader


def operations(run: Entries) -> list[str]:
    return [OPERATIONS[code] if code < len(OPERATIONS) else "redacted" for code in run.operations.tolist()]


def test_an_admission_is_read() -> None:
    run, reader = read(GOOD, first=4)
    assert (run.first, len(run), operations(run)) == (4, 1, ["admit"])
    assert UUID(int=(int(run.items[0, 0]) << 64) + int(run.items[0, 1])) == UUID(item_id(1))
    assert run.exact["sha256"].values.tobytes() == b"\xab" * 32
    assert run.pdq.values.tobytes() == b"\xcd" * 32
    assert run.exact["sha256"].owners.tolist() == run.pdq.owners.tolist() == [0]
    assert reader.labels.texts == [(("A1",), "block")]
    assert run.videos.tolist() == [False]


def test_a_run_of_all_operations_is_read_into_columns() -> None:
    run, reader = read(
        admit(1, exact("ab" * 32), {"algorithm": "md5", "value": "01" * 16}),
        None,
        amend(1, near("cd" * 32), near("ef" * 32), kind="video", categories=["B1", "B2"], advice="hold"),
        withdraw(1),
        redact(1, 10, 12),
        first=10,
    )
    assert operations(run) == ["admit", "redacted", "amend", "withdraw", "redact"]
    assert run.operations[1] == REDACTED
    assert run.items.tolist() == [[0, 1], [0, 0], [0, 1], [0, 1], [0, 1]]
    assert run.labels.tolist() == [0, -1, 1, -1, -1]
    assert reader.labels.texts[1] == (("B1", "B2"), "hold")
    assert run.videos.tolist() == [False, False, True, False, False]
    assert run.exact["md5"].owners.tolist() == [0]
    assert run.pdq.owners.tolist() == [2, 2]
    assert run.redactions == {4: (10, 12)}


def test_poor_hashes_are_left_out_and_a_hash_given_twice_is_kept_once() -> None:
    run, _ = read(admit(1, near("aa" * 32, 49), near("bb" * 32, 50), near("bb" * 32, 80), near("cc" * 32, 10)))
    assert [row.tobytes().hex() for row in run.pdq.values] == ["bb" * 32]


def test_an_empty_run_is_one() -> None:
    run, _ = read()
    assert len(run) == len(run.pdq) == 0


BAD_FIELDS: list[tuple[str, object]] = [
    ("operation", "remove"),
    ("operation", ["admit"]),
    ("operation", None),
    ("item", item_id(1).replace("-", "")),
    ("item", "ABCDEF00-0000-0000-0000-000000000001"),
    ("item", "\uff11" * 36),
    ("item", item_id(1)[:-1] + "g"),
    ("item", 7),
    ("kind", "text"),
    ("kind", None),
    ("fingerprints", []),
    ("fingerprints", {}),
    ("fingerprints", [exact("ab" * 32)] * 8193),
    ("fingerprints.0", "ab"),
    ("fingerprints.0.algorithm", "md4"),
    ("fingerprints.0.algorithm", []),
    ("fingerprints.0.value", "ab" * 31),
    ("fingerprints.0.value", "AB" * 32),
    ("fingerprints.0.value", "ab" * 30 + "  ab"),
    ("fingerprints.0.value", "\uff11" * 64),
    ("fingerprints.0.value", "zz" * 32),
    ("fingerprints.0.value", 12),
    ("fingerprints.0.quality", 50),
    ("fingerprints.1.quality", 101),
    ("fingerprints.1.quality", -1),
    ("fingerprints.1.quality", True),
    ("fingerprints.1.quality", 50.0),
    ("fingerprints.1.value", "cd" * 33),
    ("categories", []),
    ("categories", ["A1"] * 33),
    ("categories.0", "A 1"),
    ("categories.0", ""),
    ("advice", "allow"),
    ("admitted_by", []),
    ("admitted_by.0", "Police!"),
    ("admitted_by.0", 3),
    ("at", "2026-01-02T03:04:05Z"),
    ("at", "2026-01-02T03:04:05.678901Z\n"),
    ("at", "\uff12026-01-02T03:04:05.678901Z"),
    ("positions", [1]),
]


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
def test_a_bad_field_is_refused_by_position_and_name(field: str, value: object) -> None:
    bad: Any = copy.deepcopy(GOOD)
    *path, last = field.split(".")
    inner = bad
    for name in path:
        inner = inner[int(name)] if name.isdigit() else inner[name]
    inner[int(last) if last.isdigit() else last] = value
    with pytest.raises(LogRefusedError) as caught:
        read(GOOD, bad, first=7)
    assert "position 8" in str(caught.value)
    named = field.split(".", maxsplit=1)[0]
    assert f" {named}" in str(caught.value)
    assert caught.value.problem == "garbage"


@pytest.mark.parametrize("field", sorted(GOOD))
def test_a_missing_field_is_refused(field: str) -> None:
    bad = copy.deepcopy(GOOD)
    del bad[field]
    with pytest.raises(LogRefusedError, match="position 0"):
        read(bad)


@pytest.mark.parametrize("place", [(), ("fingerprints", 0)])
def test_a_field_that_is_not_known_is_refused_with_the_advice_to_update(place: tuple[Any, ...]) -> None:
    bad: Any = copy.deepcopy(GOOD)
    inner = bad
    for step in place:
        inner = inner[step]
    inner["url"] = "x"
    with pytest.raises(LogRefusedError, match="update staydown-client"):
        read(bad)


@pytest.mark.parametrize(
    "body",
    [
        {**withdraw(1), "advice": "block"},
        {**withdraw(1), "fingerprints": []},
        {**withdraw(1), "positions": [0]},
        redact(1),
        redact(1, 3, 3),
        redact(1, 4, 2),
        redact(1, -1),
        redact(1, 9),
        {**redact(1, 3), "categories": ["A1"]},
        {**redact(1, 3), "positions": None},
        {**redact(1, 3), "positions": ["3"]},
        {name: value for name, value in redact(1, 3).items() if name != "positions"},
    ],
)
def test_a_withdrawal_or_redaction_with_other_fields_is_refused(body: Body) -> None:
    with pytest.raises(LogRefusedError, match="position 9"):
        read(body, first=9)


@pytest.mark.parametrize(
    "text",
    [
        canonical(GOOD).replace(b'":', b'": '),
        canonical(GOOD) + b" ",
        canonical(GOOD)[:-1] + b',"operation":"admit"}',
        b'{"advice":"hold",' + canonical(GOOD)[1:],
        canonical(GOOD).replace(b"A1", b"\\u00411"),
        json.dumps(GOOD, separators=(",", ":")).encode(),
        b"",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"\xff\xfe",
        b'"' + b"x" * 2_000_000 + b'"',
    ],
)
def test_a_text_in_any_other_form_is_refused(text: bytes) -> None:
    with pytest.raises(LogRefusedError, match="position 0"):
        read(text)


@given(json_values)
def test_whatever_comes_nothing_but_a_refusal_is_raised(value: object) -> None:
    with pytest.raises(LogRefusedError):
        read(json.dumps(value).encode())


@given(json_values, st.sampled_from(sorted(GOOD)))
def test_whatever_comes_in_a_field_it_is_an_entry_or_a_refusal(value: object, field: str) -> None:
    try:
        run, _ = read(canonical({**GOOD, field: value}))
    except LogRefusedError:
        return
    assert len(run) == 1


def test_a_refusal_holds_nothing_of_the_value() -> None:
    secret = "ee" * 31
    for bad in (admit(1, exact(secret)), {**GOOD, "advice": secret}, {**GOOD, secret: 1}, {**GOOD, "at": secret}):
        with pytest.raises(LogRefusedError) as caught:
            read(bad)
        assert secret not in str(caught.value)
