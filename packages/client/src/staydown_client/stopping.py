"""How whoever follows live events is ended from another thread, also while it waits for the next one."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from staydown_client.feed import EventStream


class Stopping:
    """Set once, by any thread; all but `set` belongs to the thread that follows."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._stream: EventStream | None = None
        self._lock = threading.Lock()

    @property
    def is_set(self) -> bool:
        """Whether to end."""
        return self._event.is_set()

    def set(self) -> None:
        """Ask to end: a wait returns at once, and the stream that is being read breaks off."""
        self._event.set()
        with self._lock:
            if self._stream is not None:
                self._stream.shut_down()

    def wait(self, timeout_s: float) -> bool:
        """Wait so long, or until asked to end; return whether that was asked."""
        return self._event.wait(timeout_s)

    @contextmanager
    def breaks_off(self, stream: EventStream) -> Iterator[None]:
        """Have this stream broken off when asked to end while it is read here."""
        with self._lock:
            self._stream = stream
            if self._event.is_set():
                stream.shut_down()
        try:
            yield
        finally:
            with self._lock:
                self._stream = None
