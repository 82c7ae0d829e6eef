"""Entries from the hub: the agreed form is read, and any other is refused with the field's name."""

from __future__ import annotations

import copy
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staydown_client.entries import Admit, Amend, Withdraw, operation_of, read_positioned_entry
from staydown_client.errors import HubMisbehavedError

from packages.client.tests.conftest import admit, amend, exact, item_id, near, withdraw

GOOD = {"position": 4, "entry": admit(1, exact("ab" * 32), near("cd" * 32, 77))}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_an_admission_is_read() -> None:
    entry = read_positioned_entry(GOOD, "entries.0")
    assert isinstance(entry, Admit)
    assert (entry.position, entry.item, operation_of(entry)) == (4, UUID(item_id(1)), "admit")
    assert [(found.algorithm, found.value) for found in entry.listing.exact] == [("sha256", b"\xab" * 32)]
    assert [(found.bits, found.quality) for found in entry.listing.pdq] == [(b"\xcd" * 32, 77)]
    assert (entry.listing.categories, entry.listing.advice) == (("A1",), "block")


def test_an_amendment_and_a_withdrawal_are_read() -> None:
    assert isinstance(read_positioned_entry({"position": 5, "entry": amend(1)}, "e"), Amend)
    withdrawal = read_positioned_entry({"position": 6, "entry": withdraw(1)}, "e")
    assert withdrawal == Withdraw(position=6, item=UUID(item_id(1)))


BAD_FIELDS: list[tuple[str, object]] = [
    ("position", -1),
    ("position", True),
    ("position", 1.0),
    ("position", "4"),
    ("position", 2**41),
    ("entry", None),
    ("entry.operation", "redact"),
    ("entry.operation", ["admit"]),
    ("entry.item", item_id(1).replace("-", "")),
    ("entry.item", "ABCDEF00-0000-0000-0000-000000000001"),
    ("entry.kind", "text"),
    ("entry.kind", None),
    ("entry.fingerprints", []),
    ("entry.fingerprints", {}),
    ("entry.fingerprints", [exact("ab" * 32)] * 8193),
    ("entry.fingerprints.0", "ab"),
    ("entry.fingerprints.0.algorithm", "md4"),
    ("entry.fingerprints.0.algorithm", []),
    ("entry.fingerprints.0.value", "ab" * 31),
    ("entry.fingerprints.0.value", "AB" * 32),
    ("entry.fingerprints.0.value", "\uff11" * 64),
    ("entry.fingerprints.0.value", "zz" * 32),
    ("entry.fingerprints.0.value", 12),
    ("entry.fingerprints.1.quality", 101),
    ("entry.fingerprints.1.quality", True),
    ("entry.fingerprints.1.value", "cd" * 33),
    ("entry.categories", []),
    ("entry.categories.0", "A 1"),
    ("entry.categories.0", ""),
    ("entry.advice", "allow"),
    ("entry.admitted_by.0", 3),
    ("entry.at", "2026-01-02T03:04:05Z"),
    ("entry.at", "2026-01-02T03:04:05.678901Z\n"),
]


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
def test_a_bad_field_is_refused_by_name(field: str, value: object) -> None:
    bad: Any = copy.deepcopy(GOOD)
    *path, last = field.split(".")
    inner = bad
    for name in path:
        inner = inner[int(name)] if name.isdigit() else inner[name]
    inner[int(last) if last.isdigit() else last] = value
    with pytest.raises(HubMisbehavedError) as caught:
        read_positioned_entry(bad, "here")
    assert f"here.{field}" in str(caught.value)


@pytest.mark.parametrize("field", ["operation", "item", "kind", "fingerprints", "categories", "advice", "at"])
def test_a_missing_field_is_refused_by_name(field: str) -> None:
    bad = copy.deepcopy(GOOD)
    entry: Any = bad["entry"]
    del entry[field]
    with pytest.raises(HubMisbehavedError, match=field):
        read_positioned_entry(bad, "here")


def test_a_field_that_is_not_known_is_refused_with_the_advice_to_update() -> None:
    for place in ("", "entry", "fingerprint"):
        bad: Any = copy.deepcopy(GOOD)
        {"": bad, "entry": bad["entry"], "fingerprint": bad["entry"]["fingerprints"][0]}[place]["url"] = "x"
        with pytest.raises(HubMisbehavedError, match="update staydown-client"):
            read_positioned_entry(bad, "here")


@given(json_values)
def test_whatever_comes_nothing_but_a_refusal_is_raised(value: object) -> None:
    with pytest.raises(HubMisbehavedError):
        read_positioned_entry(value, "here")


@given(json_values, st.sampled_from(sorted(admit(1))))
def test_whatever_comes_in_a_field_it_is_an_entry_or_a_refusal(value: object, field: str) -> None:
    try:
        entry = read_positioned_entry({"position": 0, "entry": {**admit(1), field: value}}, "here")
    except HubMisbehavedError:
        return
    assert entry.position == 0


def test_a_refusal_holds_nothing_of_the_value() -> None:
    secret = "ee" * 31
    with pytest.raises(HubMisbehavedError) as caught:
        read_positioned_entry({"position": 0, "entry": admit(1, exact(secret))}, "here")
    assert secret not in str(caught.value)
