"""A sync that runs in a thread of the platform's own process."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from staydown_client.errors import StaydownError
from staydown_client.local.delivery import Delivery
from staydown_client.sync import Applied, CaughtUp, Trouble, opened

if TYPE_CHECKING:
    from types import TracebackType

    from staydown_client.folder import Folder
    from staydown_client.sync import Progress

_log = logging.getLogger("staydown_client")


class Following:
    """Follows the hub from the moment it is made until `stop`; also a context."""

    def __init__(self, folder: Folder) -> None:
        """Take the folder's lock in the calling thread, so that `FolderBusyError` is raised here."""
        self._resources = ExitStack()
        self._syncing = self._resources.enter_context(opened(folder))
        self._resources.enter_context(Delivery(folder))
        self._settled = threading.Event()
        self._caught_up = False
        self._error: StaydownError | None = None
        self._problem: str | None = None
        self._thread = threading.Thread(target=self._run, name="staydown-follow", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str | None:
        """What keeps the list from being up to date, in words; None while all is well."""
        return self._problem

    def wait_until_caught_up(self, *, timeout_s: float) -> bool:
        """Wait for the list to be whole; return False when it is not in time, raise when it never will be."""
        settled = self._settled.wait(timeout_s)
        if self._error is not None:
            raise self._error
        return settled and self._caught_up

    def stop(self, *, timeout_s: float = 30.0) -> None:
        """Stop following and release the folder."""
        self._syncing.stop()
        self._thread.join(timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        with self._resources:
            try:
                self._syncing.follow(self._take)
            except StaydownError as error:
                self._error, self._problem = error, str(error)
                _log.error("The filter is no longer synced: %s", error)
            except BaseException:
                self._problem = "The sync ended by an error of its own; it is in the process's log."
                raise
            finally:
                self._settled.set()

    def _take(self, progress: Progress) -> None:
        if isinstance(progress, Trouble):
            self._problem = progress.message
            _log.warning("The filter's list is not up to date: %s", progress.message)
            return
        self._problem = None
        if isinstance(progress, CaughtUp):
            self._caught_up = True
            self._settled.set()
        elif isinstance(progress, Applied):
            _log.info("Applied position %d (%s).", progress.position, progress.operation)
