"""Server-sent events: the same events however the bytes are cut, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staydown_client.errors import HubMisbehavedError
from staydown_client.events import MAX_LINE_BYTES, EventParser, Heartbeat, ServerEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

lines = st.sampled_from(
    ["", "data: one", "data:two", "data", "id: 7", "event: entry", ": alive", "retry: 1", "id", "data:  spaced", "é: x"]
)


def parsed(*chunks: bytes) -> list[ServerEvent | Heartbeat]:
    return parsed_from(chunks)


def parsed_from(chunks: Iterable[bytes]) -> list[ServerEvent | Heartbeat]:
    parser = EventParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def endless(chunk: bytes) -> Iterator[bytes]:
    """Yield the chunk until twice the bound is passed, and fail if anybody still listens then."""
    for _ in range(2 * MAX_LINE_BYTES // len(chunk)):
        yield chunk
    pytest.fail("the parser took more than its bound")


def test_an_event_has_its_name_id_and_data() -> None:
    assert parsed(b'id: 3\nevent: entry\ndata: {"a":1}\n\n') == [ServerEvent("entry", "3", '{"a":1}')]


def test_data_lines_are_joined_and_the_id_stays() -> None:
    assert parsed(b"id: 3\ndata: a\ndata: b\n\ndata: c\n\n") == [
        ServerEvent("message", "3", "a\nb"),
        ServerEvent("message", "3", "c"),
    ]


def test_a_comment_is_a_heartbeat_and_an_event_without_data_is_none() -> None:
    assert parsed(b": alive\n\nevent: entry\n\n") == [Heartbeat()]


@given(st.lists(lines), st.sampled_from(["\n", "\r\n", "\r"]), st.data())
def test_the_events_do_not_depend_on_where_the_bytes_are_cut(
    text: list[str], line_end: str, data: st.DataObject
) -> None:
    stream = "".join(line + line_end for line in text).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    # A line's end is sure only once another byte follows a carriage return.
    assert parsed(*chunks, b"x") == parsed(stream, b"x")


@given(st.binary(max_size=300))
def test_any_bytes_are_events_or_a_refusal(data: bytes) -> None:
    try:
        found = parsed(data)
    except HubMisbehavedError:
        return
    assert len(found) <= len(data)


def test_a_line_without_an_end_is_refused() -> None:
    with pytest.raises(HubMisbehavedError, match="longer than"):
        parsed_from(endless(b"x" * 4096))


def test_a_long_line_in_crumbs_costs_no_more_than_its_length() -> None:
    length = 1024 * 1024  # to copy what came before for each byte would take half an hour
    [event] = parsed_from([bytes([byte]) for byte in b"data: " + b"x" * length] + [b"\n\n"])
    assert isinstance(event, ServerEvent)
    assert len(event.data) == length


def test_an_event_without_an_end_is_refused() -> None:
    with pytest.raises(HubMisbehavedError, match="longer than"):
        parsed_from(endless(b"data: " + b"x" * 4096 + b"\n"))


def test_a_line_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(HubMisbehavedError, match="UTF-8"):
        parsed(b"data: \xff\n")
