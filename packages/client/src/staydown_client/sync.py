"""Brings a folder's list up to date with the hub, once or for as long as it runs; what was applied stays in force."""

from __future__ import annotations

import random
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from staydown_client.address import checked_hub_address
from staydown_client.entries import operation_of
from staydown_client.errors import HubError, HubRefusedError, HubUnavailableError
from staydown_client.feed import Feed
from staydown_client.hub import Hub
from staydown_client.lock import held
from staydown_client.store import StoreWriter
from staydown_client.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from staydown_client.entries import Entry
    from staydown_client.feed import EventStream
    from staydown_client.folder import Folder
    from staydown_client.key import ApiKey

_CONFIRM_INTERVAL_S: Final = 5.0
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The hub confirmed that nothing newer than `position` exists; `applied` entries came with it."""

    position: int
    applied: int


@dataclass(frozen=True, slots=True)
class Applied:
    """An entry arrived live and is in force."""

    position: int
    operation: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """The hub could not be followed; the next try comes after `retry_in_s`."""

    message: str
    retry_in_s: float


Progress: TypeAlias = CaughtUp | Applied | Trouble
Tell: TypeAlias = "Callable[[Progress], None]"


@contextmanager
def opened(folder: Folder) -> Iterator[Syncing]:
    """Take the folder's lock and open its store; raise `FolderBusyError` when another sync has it."""
    key = folder.key()
    with held(folder.lock_path), StoreWriter(folder.store_path, list_name=folder.settings.list) as writer:
        yield Syncing(folder, writer, key)


class Syncing:
    """The one sync of a folder. Every method but `stop` belongs to one thread."""

    def __init__(self, folder: Folder, writer: StoreWriter, key: ApiKey) -> None:
        self._settings = folder.settings
        self._writer = writer
        self._key = key
        self._stopped = threading.Event()
        self._stream: EventStream | None = None
        self._stream_lock = threading.Lock()
        self._backoff = Backoff()

    def catch_up(self, tell: Tell) -> None:
        """Apply all that the hub holds, page by page; raise a `HubError` when it cannot be had."""
        with Transport(self._find_feed(), self._key) as transport:
            self._catch_up(Feed(transport, list_name=self._settings.list), tell)

    def follow(self, tell: Tell) -> None:
        """Catch up, then apply entries as they come, until `stop`. Never gives up once it was caught up.

        Before that a refusal (a wrong key, an unknown list) is raised: waiting would not mend it.
        """
        ever_caught_up = False
        while not self._stopped.is_set():
            try:
                with Transport(self._find_feed(), self._key) as transport:
                    feed = Feed(transport, list_name=self._settings.list)
                    self._catch_up(feed, tell)
                    ever_caught_up = True
                    self._apply_live(feed, tell)
            except HubError as error:
                if isinstance(error, HubRefusedError) and not ever_caught_up:
                    raise
                self._wait(error, tell)

    def stop(self) -> None:
        """End `follow` soon; may be called from any thread."""
        self._stopped.set()
        with self._stream_lock:
            if self._stream is not None:
                self._stream.shut_down()

    def _find_feed(self) -> str:
        """Ask the hub where its feed is; while the hub is away the address that it last gave still serves."""
        try:
            with Transport(self._settings.hub, self._key) as transport:
                address = Hub(transport, insecure=self._settings.insecure).me().feed
        except HubUnavailableError:
            remembered = self._writer.feed
            if remembered is None:
                raise
            return checked_hub_address(remembered, insecure=self._settings.insecure)
        self._writer.remember_feed(address)
        return address

    def _catch_up(self, feed: Feed, tell: Tell) -> None:
        before = self._writer.position
        whole = False
        while not (whole or self._stopped.is_set()):
            asked_at = time.time()
            page = feed.page(after=self._writer.position)
            whole = page.is_last
            self._writer.apply(page.entries, caught_up_at=asked_at if whole else None)
        if whole:
            tell(CaughtUp(self._writer.position, applied=self._writer.position - before))

    def _apply_live(self, feed: Feed, tell: Tell) -> None:
        confirmed = time.monotonic()
        with feed.open_events(after=self._writer.position) as stream, self._stoppable(stream):
            for entries in stream:
                self._backoff.reset()
                if entries or time.monotonic() - confirmed >= _CONFIRM_INTERVAL_S:
                    self._writer.apply(entries, caught_up_at=time.time())
                    confirmed = time.monotonic()
                _tell_all(entries, tell)
        raise HubUnavailableError("The hub ended the live connection.")

    @contextmanager
    def _stoppable(self, stream: EventStream) -> Iterator[None]:
        with self._stream_lock:
            self._stream = stream
            if self._stopped.is_set():
                stream.shut_down()
        try:
            yield
        finally:
            with self._stream_lock:
                self._stream = None

    def _wait(self, error: HubError, tell: Tell) -> None:
        if not self._stopped.is_set():
            wait_s = self._backoff.next_s()
            tell(Trouble(str(error), wait_s))
            self._stopped.wait(wait_s)


class Backoff:
    """Waits that double up to a minute, each drawn at random below its bound so that filters do not return as one."""

    def __init__(self) -> None:
        self._bound_s = _FIRST_WAIT_S

    def next_s(self) -> float:
        """Return the next wait."""
        wait_s = random.uniform(self._bound_s / 4, self._bound_s)  # noqa: S311 - spreads load; nothing secret
        self._bound_s = min(2 * self._bound_s, _LONGEST_WAIT_S)
        return wait_s

    def reset(self) -> None:
        """Begin again with short waits."""
        self._bound_s = _FIRST_WAIT_S


def _tell_all(entries: tuple[Entry, ...], tell: Tell) -> None:
    for entry in entries:
        tell(Applied(entry.position, operation_of(entry)))
