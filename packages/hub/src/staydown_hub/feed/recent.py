"""The newest entries of one list as the bytes of their events: made once, sent to however many follow."""

import json
from collections import deque
from collections.abc import Sequence
from typing import Final

from staydown_hub.sealing.records import Record

MAX_RECORDS: Final = 4096
_MAX_BYTES: Final = 16 * 1024 * 1024


class Event:
    """The entries that one checkpoint added, and how they go over the wire."""

    __slots__ = ("_checkpoint", "_records", "_whole", "after", "first", "weight")

    def __init__(self, first: int, records: Sequence[Record], note: str) -> None:
        self.first = first
        self.after = first + len(records)
        self._records = [one.as_json() for one in records]
        self._checkpoint = json.dumps(note, ensure_ascii=False).encode()
        self._whole = self._made(first)
        self.weight = 2 * len(self._whole)

    def from_position(self, start: int) -> bytes:
        """Return the event, without the entries before `start`."""
        return self._whole if start == self.first else self._made(start)

    def _made(self, start: int) -> bytes:
        records = b",".join(self._records[start - self.first :])
        return b'id: %d\nevent: entries\ndata: {"first":%d,"records":[%s],"checkpoint":%s}\n\n' % (
            self.after - 1,
            start,
            records,
            self._checkpoint,
        )


class Recent:
    """Keeps the last few thousand entries, and not more than a few megabytes of them."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._weight = 0
        self.size = 0

    def begin(self, size: int) -> None:
        """Forget all; the next event begins at this position."""
        self._events.clear()
        self._weight, self.size = 0, size

    def add(self, event: Event) -> None:
        """Add what comes next; the oldest are forgotten when there are too many."""
        self._events.append(event)
        self._weight += event.weight
        self.size = event.after
        while len(self._events) > 1 and (self._weight > _MAX_BYTES or self.size - self._events[1].first >= MAX_RECORDS):
            self._weight -= self._events.popleft().weight

    def since(self, position: int) -> tuple[bytes, int] | None:
        """Return the next event for one who has everything up to this position, and the last position that it tells.

        The bytes are empty when that is all there is. None when what follows is not kept here any more, or when the
        position is beyond the list's end.
        """
        start = position + 1
        if start == self.size:
            return b"", position
        if start > self.size:
            return None
        for event in reversed(self._events):
            if event.first <= start:
                return event.from_position(start), event.after - 1
        return None
