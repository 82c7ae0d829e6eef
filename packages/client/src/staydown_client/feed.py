"""The list as the hub's feed serves it: in pages, then live; every answer checked for form, order and completeness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from staydown_client.entries import MAX_ENTRY_BYTES, MAX_POSITION, read_positioned_entry
from staydown_client.errors import HubMisbehavedError
from staydown_client.events import EventParser, ServerEvent
from staydown_client.transport import AnswerTooLargeError
from staydown_client.wire import integer_at, list_at, object_at, parse_json, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from staydown_client.entries import Entry
    from staydown_client.transport import Stream, Transport

PAGE_LENGTH: Final = 1000
MAX_PAGE_BYTES: Final = 16 * 1024 * 1024
# This many entries of the largest size always fit into a page's bytes.
_CAREFUL_PAGE_LENGTH: Final = MAX_PAGE_BYTES // (MAX_ENTRY_BYTES + 1024) - 1


@dataclass(frozen=True, slots=True)
class Page:
    """A run of entries; `size` is the position that comes after the list's last."""

    size: int
    entries: tuple[Entry, ...]

    @property
    def is_last(self) -> bool:
        """Whether the list holds nothing beyond this page."""
        return not self.entries or self.entries[-1].position + 1 == self.size


class Feed:
    """One list at one feed address."""

    def __init__(self, transport: Transport, *, list_name: str) -> None:
        self._transport = transport
        self._list = list_name
        self._page_length = PAGE_LENGTH

    def page(self, *, after: int) -> Page:
        """Return the entries that follow position `after`, up to a page of them."""
        try:
            return self._page(after=after, limit=self._page_length)
        except AnswerTooLargeError:
            if self._page_length == _CAREFUL_PAGE_LENGTH:
                raise
            self._page_length = _CAREFUL_PAGE_LENGTH
            return self._page(after=after, limit=self._page_length)

    def open_events(self, *, after: int) -> EventStream:
        """Connect to the live events that follow position `after`."""
        path = f"/feed/v1/lists/{self._list}/events?after={after}"
        headers = {"Last-Event-ID": str(after)} if after >= 0 else {}
        return EventStream(self._transport.open_stream(path, headers=headers))

    def _page(self, *, after: int, limit: int) -> Page:
        path = f"/feed/v1/lists/{self._list}/entries?after={after}&limit={limit}"
        body = object_at(
            self._transport.get(path, max_bytes=MAX_PAGE_BYTES), "answer", fields=("list", "size", "entries")
        )
        if body["list"] != self._list:
            refuse("list", "is another list than the one asked for")
        return _read_page(body, after=after, limit=limit)


class EventStream:
    """Entries as they are admitted, amended and withdrawn, with heartbeats between them; used as a context."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def __iter__(self) -> Iterator[tuple[Entry, ...]]:
        """Yield what arrived together; an empty run is a heartbeat."""
        parser = EventParser()
        for chunk in self._stream.chunks():
            events = parser.feed(chunk)
            if events:
                # Events of other names are for later versions; the positions show whether an entry is missing.
                yield tuple(_read_event(e) for e in events if isinstance(e, ServerEvent) and e.name == "entry")

    def shut_down(self) -> None:
        """End the iteration from another thread."""
        self._stream.shut_down()


def _read_page(body: dict[str, object], *, after: int, limit: int) -> Page:
    size = integer_at(body["size"], "size", low=0, high=MAX_POSITION)
    if size < after + 1:
        raise HubMisbehavedError(
            f"The hub shows a list of {size} entries where {after + 1} were received before. A list never gets "
            "shorter: tell the hub's operator. The list received before stays in force."
        )
    values = list_at(body["entries"], "entries", max_length=limit)
    entries = tuple(read_positioned_entry(value, f"entries.{n}") for n, value in enumerate(values))
    _check_gapless(entries, after=after, size=size)
    return Page(size=size, entries=entries)


def _check_gapless(entries: tuple[Entry, ...], *, after: int, size: int) -> None:
    for number, entry in enumerate(entries):
        if entry.position != after + 1 + number:
            refuse(f"entries.{number}.position", f"must be {after + 1 + number}: positions leave no gap")
    reached = after + 1 + len(entries)
    if reached > size:
        refuse("size", "is smaller than the entries that came with it")
    if not entries and reached != size:
        refuse("entries", "are missing although the list goes on")


def _read_event(event: ServerEvent) -> Entry:
    entry = read_positioned_entry(parse_json(event.data), "event")
    if event.event_id != str(entry.position):
        refuse("event.id", "must equal the entry's position")
    return entry
