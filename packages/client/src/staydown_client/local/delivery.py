"""Tells the hub what waits: disputes and matches, at least once each, for as long as it runs."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from staydown_client.errors import FolderError, HubError, HubRefusedError
from staydown_client.local.allow_list import settle_dispute, silenced, waiting_disputes
from staydown_client.local.outbox import settle, waiting_matches
from staydown_client.local.store import LOCAL_NAME, LocalStore
from staydown_client.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from staydown_client.folder import Folder
    from staydown_client.local.outbox import WaitingMatch

_log = logging.getLogger("staydown_client")
_LOOK_EVERY_S: Final = 1.0
_STOP_S: Final = 5.0
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 300.0
_ABOUT_THE_ROW: Final = 422


class Delivery:
    """A thread that delivers what waits in a folder, from `with` to its end. Several at once do no harm."""

    def __init__(self, folder: Folder) -> None:
        """Open the folder's own file; raise `FolderError` when it cannot be used."""
        self._folder = folder
        self._store = LocalStore(folder.path / LOCAL_NAME)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="staydown-deliver", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join(_STOP_S)
        if not self._thread.is_alive():  # else it waits for the hub's answer; it ends with the process
            self._store.close()

    def _run(self) -> None:
        wait_s = _FIRST_WAIT_S
        while not self._stopped.is_set():
            try:
                deliver(self._folder, self._store, stopped=self._stopped)
                wait_s = _FIRST_WAIT_S
                self._stopped.wait(_LOOK_EVERY_S)
            except (HubError, FolderError) as error:
                _log.warning("Matches and disputes wait to be told to the hub: %s", error)
                self._stopped.wait(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def deliver_once(folder: Folder) -> None:
    """Deliver all that waits now; raise a `HubError` when the hub does not take it."""
    store = LocalStore(folder.path / LOCAL_NAME)
    try:
        deliver(folder, store, stopped=threading.Event())
    finally:
        store.close()


def deliver(folder: Folder, store: LocalStore, *, stopped: threading.Event) -> None:
    """Deliver until nothing waits, or until `stopped`. What the hub has is taken off only after it said so."""
    with Transport(folder.settings.hub, folder.key()) as transport:
        _deliver_disputes(folder, store, transport)
        while not stopped.is_set():
            with store.reading() as connection:
                matches = waiting_matches(connection)
            if not matches:
                return
            _deliver_matches(folder.settings.list, matches, store, transport)


def _deliver_matches(list_name: str, matches: Sequence[WaitingMatch], store: LocalStore, transport: Transport) -> None:
    """Send matches; where the hub refuses some of them, halve until it is known which."""
    try:
        transport.post("/api/v1/matches", {"matches": [match.as_json(list_name) for match in matches]})
    except HubRefusedError as error:
        if error.status != _ABOUT_THE_ROW:
            raise
        if len(matches) > 1:
            half = len(matches) // 2
            _deliver_matches(list_name, matches[:half], store, transport)
            _deliver_matches(list_name, matches[half:], store, transport)
            return
        if matches[0].reference is not None:
            # The hub may find it telling where we did not: the match counts without it.
            _deliver_matches(list_name, [replace(matches[0], reference=None)], store, transport)
            return
        _log.warning("The hub refuses a match of position %d for good.", matches[0].position)
        with store.writing() as connection:
            settle(connection, matches, counted_as="refused")
        return
    with store.writing() as connection:
        settle(connection, matches, counted_as="delivered")


def _deliver_disputes(folder: Folder, store: LocalStore, transport: Transport) -> None:
    with store.reading() as connection:
        waiting = waiting_disputes(silenced(connection))
    for entry in waiting:
        body = {"list": folder.settings.list, "position": entry.position, "reason": entry.reason}
        try:
            transport.post("/api/v1/disputes", body)
        except HubRefusedError as error:
            if error.status != _ABOUT_THE_ROW:
                raise
            _log.warning("The hub refuses the dispute of position %d for good.", entry.position)
            with store.writing() as connection:
                settle_dispute(connection, entry, dispute="refused")
            continue
        with store.writing() as connection:
            settle_dispute(connection, entry, dispute="delivered")
