"""What streams are told from memory: every entry once and in order, or that they are too far behind."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from staydown_hub.feed import recent as module
from staydown_hub.feed.recent import Event, Recent
from staydown_hub.sealing.records import Record


def record(position: int, *, weight: int = 1) -> Record:
    return Record(bytes(32), bytes(32), json.dumps({"position": position, "filler": "x" * weight}))


def told(event: bytes) -> dict[str, Any]:
    fields = dict(line.split(": ", 1) for line in event.decode().splitlines() if line)
    data: dict[str, Any] = json.loads(fields["data"])
    assert int(fields["id"]) == data["first"] + len(data["records"]) - 1
    return data


@given(st.integers(0, 20), st.lists(st.integers(1, 9), max_size=30), st.integers(-1, 400))
def test_a_follower_gets_everything_once_and_in_order(begin: int, batches: list[int], after: int) -> None:
    recent = Recent()
    recent.begin(begin)
    for count in batches:
        recent.add(Event(recent.size, [record(recent.size + n) for n in range(count)], f"note {recent.size + count}"))
    assert recent.size == begin + sum(batches)
    position, got = after, list[int]()
    while (found := recent.since(position)) and found[0]:
        data, before = told(found[0]), position
        position = found[1]
        assert (data["first"], data["checkpoint"]) == (before + 1, f"note {position + 1}")
        got += [json.loads(one["entry"])["position"] for one in data["records"]]
    if begin <= after + 1 <= recent.size:
        assert (got, found) == (list(range(after + 1, recent.size)), (b"", recent.size - 1))
    else:
        assert (got, found) == ([], None)


def test_the_oldest_are_forgotten() -> None:
    recent = Recent()
    for position in range(module.MAX_RECORDS + 50):
        recent.add(Event(position, [record(position)], "note"))
    assert recent.since(48) is None
    assert recent.since(recent.size - 1 - module.MAX_RECORDS) is not None


def test_a_few_heavy_ones_are_not_kept_either() -> None:
    recent = Recent()
    for position in range(60):
        recent.add(Event(position, [record(position, weight=1_000_000)], "note"))
    assert recent.since(-1) is None
    assert recent.since(58) is not None


def test_redacted_records_tell_their_leaf_alone() -> None:
    [one] = told(Event(0, [Record(b"\x01" * 32, None, None)], "note").from_position(0))["records"]
    assert one == {"leaf": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}
