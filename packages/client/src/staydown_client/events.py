"""Server-sent events out of a stream of bytes, in bounded memory (WHATWG HTML, section 9.2.6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from staydown_client.errors import HubMisbehavedError

MAX_LINE_BYTES: Final = 64 * 1024 * 1024
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One dispatched event; `event_id` is the last id seen, "" when there was none."""

    name: str
    event_id: str
    data: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A comment line: the other side lives."""


class EventParser:
    """Feed it chunks cut anywhere; it returns what they completed. One line and one event are bounded in size."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._name = ""
        self._event_id = ""
        self._data: list[str] = []
        self._data_size = 0

    def feed(self, chunk: bytes) -> list[ServerEvent | Heartbeat]:
        """Take `chunk`; raise `HubMisbehavedError` on an oversized line or event, or on bytes that are not UTF-8."""
        lines = self._complete_lines(chunk)
        if len(self._pending) > MAX_LINE_BYTES or any(len(line) > MAX_LINE_BYTES for line in lines):
            raise HubMisbehavedError(f"The hub sent a line longer than {MAX_LINE_BYTES} bytes; it was refused.")
        found = [self._take(line) for line in lines]
        return [event for event in found if event is not None]

    def _complete_lines(self, chunk: bytes) -> list[bytes]:
        had_return = self._pending.endswith(b"\r")
        self._pending += chunk
        if not had_return and not _LINE_END.search(chunk):
            # A long line that comes in crumbs is looked through once, not once for each crumb.
            return []
        # A carriage return at the very end may be half of a CR LF: it waits for the next chunk.
        held = b"\r" if self._pending.endswith(b"\r") else b""
        *lines, rest = _LINE_END.split(bytes(self._pending.removesuffix(b"\r")))
        self._pending = bytearray(rest + held)
        return lines

    def _take(self, line: bytes) -> ServerEvent | Heartbeat | None:
        if not line:
            return self._dispatch()
        if line.startswith(b":"):
            return Heartbeat()
        try:
            name, _, value = line.decode("utf-8").partition(":")
        except UnicodeDecodeError:
            raise HubMisbehavedError("The hub sent a line that is not UTF-8; it was refused.") from None
        self._keep(name, value.removeprefix(" "))
        return None

    def _keep(self, name: str, value: str) -> None:
        if name == "event":
            self._name = value
        elif name == "id" and "\0" not in value:
            self._event_id = value
        elif name == "data":
            self._data.append(value)
            self._data_size += len(value) + 1
            if self._data_size > MAX_LINE_BYTES:
                raise HubMisbehavedError(f"The hub sent an event longer than {MAX_LINE_BYTES} bytes; it was refused.")

    def _dispatch(self) -> ServerEvent | None:
        name, data = self._name or "message", "\n".join(self._data)
        had_data = bool(self._data)
        self._name, self._data, self._data_size = "", [], 0
        return ServerEvent(name=name, event_id=self._event_id, data=data) if had_data else None
