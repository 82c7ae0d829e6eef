"""How whoever asks a hub and follows it is ended from another thread, also while it waits for an answer."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from staydown_client.transport import Transport


class Stopping:
    """Set once, by any thread; all but `set` belongs to the thread that follows."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._transports: list[Transport] = []
        self._lock = threading.Lock()

    @property
    def is_set(self) -> bool:
        """Whether to end."""
        return self._event.is_set()

    def set(self) -> None:
        """Ask to end: a wait returns at once, and what is being asked for breaks off."""
        self._event.set()
        with self._lock:
            for transport in self._transports:
                transport.shut_down()

    def wait(self, timeout_s: float) -> bool:
        """Wait so long, or until asked to end; return whether that was asked."""
        return self._event.wait(timeout_s)

    @contextmanager
    def breaks_off(self, transport: Transport) -> Iterator[Transport]:
        """Have all that goes through this transport broken off when asked to end within."""
        with self._lock:
            self._transports.append(transport)
            if self._event.is_set():
                transport.shut_down()
        try:
            with transport:
                yield transport
        finally:
            with self._lock:
                self._transports.remove(transport)
