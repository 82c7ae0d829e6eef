"""What came since the base goes into a new base, beside the sync: when it is much, or when something must go."""

from __future__ import annotations

import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

from staydown_client.base.writing import write_merged_base
from staydown_client.errors import FolderError, StaydownError
from staydown_client.store import connect, damage_named, read_gone, read_items, read_state
from staydown_client.store_writer import WITHDRAWN_STAYS_S

if TYPE_CHECKING:
    from staydown_client.base.files import BaseName
    from staydown_client.store_writer import StoreWriter

LEAST_ROWS: Final = 20_000
SHARE: Final = 100
"""A delta of more than a hundredth of a large base is merged."""


class Merging:
    """Merges a store's rows into its base, in a thread; the thread that owns the store switches to the result."""

    def __init__(self, writer: StoreWriter) -> None:
        self._writer = writer
        self._thread: threading.Thread | None = None
        self._made: BaseName | None = None
        self._failed_at: float | None = None

    def tend(self) -> None:
        """Take over what was made, or begin when it is due; returns soon."""
        if self._thread is not None:
            if self._thread.is_alive():
                return
            self._thread = None
            if self._made is not None:
                self._writer.switch(self._made)
                self._made = None
        elif self._is_due():
            self._thread = threading.Thread(target=self._make, name="staydown-merge", daemon=True)
            self._thread.start()

    def run_if_due(self) -> None:
        """Do it in the calling thread when it is due."""
        if self._thread is None and self._is_due():
            self._writer.switch(self._merged())

    def stop(self) -> None:
        """Wait for a merge that runs, and keep what it made."""
        if self._thread is not None:
            self._thread.join()
            with suppress(FolderError):
                self.tend()

    def _is_due(self) -> bool:
        if self._failed_at is not None and time.monotonic() - self._failed_at < 3600:  # noqa: PLR2004 - an hour
            return False
        due_s, now_s = self._writer.state.merge_due_s, time.time()
        if due_s is not None and not now_s < due_s <= now_s + WITHDRAWN_STAYS_S:  # later: the clock was set back
            return True
        return self._writer.rows_since_base() > max(LEAST_ROWS, self._writer.rows_in_base() // SHARE)

    def _make(self) -> None:
        try:
            self._made = self._merged()
        except StaydownError:
            # The list stays as it is: larger on disk than it need be, and right.
            self._failed_at = time.monotonic()

    def _merged(self) -> BaseName:
        path = self._writer.path
        with damage_named(path), closing(connect(path, list_name=self._writer.list_name, for_writing=False)) as reading:
            reading.execute("BEGIN")
            state = read_state(reading)
            since = 0 if state.base is None else state.base.size
            said, gone = list(read_items(reading, since=since)), read_gone(reading, since=since)
            reading.execute("ROLLBACK")
        return write_merged_base(path.parent, state.base, said, gone, size=state.size)
