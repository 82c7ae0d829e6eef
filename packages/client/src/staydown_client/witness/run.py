"""Runs a witness: by the hub's live events, and by asking anew every minute; each checkpoint is judged by itself."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from staydown_client.backoff import Backoff
from staydown_client.errors import FolderError, HubError, HubUnavailableError, LogRefusedError
from staydown_client.feed import Behind, Cosigned, Feed, News
from staydown_client.hub import Hub
from staydown_client.lock import held
from staydown_client.log.notes import parse_checkpoint_body, parse_note
from staydown_client.log.tiles import Tiles
from staydown_client.stopping import Stopping
from staydown_client.transport import Transport
from staydown_client.witness.record import seems_restored
from staydown_client.witness.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from staydown_client.feed import LiveEvent, Records
    from staydown_client.witness.folder import WitnessFolder

POLL_S: Final = 60.0
"""A quiet list is asked for, and countersigned anew, this often: its filters may want fresh signatures."""
# The hub's processes and caches may be behind each other for a moment.
_TRIES: Final = 4
_TRY_AGAIN_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Countersigned:
    """The hub has this witness's signature on its list of `size` entries."""

    size: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Nothing could be signed; `problem` says why when the hub's list was refused. The next try comes by itself."""

    message: str
    problem: str | None
    retry_in_s: float


Progress: TypeAlias = Countersigned | Trouble
Tell: TypeAlias = "Callable[[Progress], None]"


@contextmanager
def opened(folder: WitnessFolder, *, accept_restored: bool = False) -> Iterator[Witnessing]:
    """Take the folder's lock; raise `FolderBusyError` when another process signs, `FolderError` for an old copy."""
    with held(folder.lock_path):
        witness = Witness(folder, accept_restored=accept_restored)
        if seems_restored(folder.path) and not accept_restored:
            raise FolderError(
                f"{folder.path} was copied here, or brought back from a backup: what this witness signed since is not "
                "in it, and it could sign a second history. Make a new witness with a new key. Only if you know that "
                "nothing was signed since, or that the hub shows it: staydown witness run FOLDER --accept-restored"
            )
        yield Witnessing(folder, witness)


class Witnessing:
    """The one process that signs with a folder's key. Every method but `stop` belongs to one thread."""

    def __init__(self, folder: WitnessFolder, witness: Witness) -> None:
        self._folder = folder
        self._witness = witness
        self._key = folder.key()
        self._stopping = Stopping()
        self._backoff = Backoff()

    def once(self, tell: Tell) -> None:
        """Countersign the hub's present checkpoint; raise a `HubError` when that cannot be."""
        with self._transport() as transport:
            self._visit(Feed(transport, list_name=self._folder.list), tell)

    def follow(self, tell: Tell) -> None:
        """Countersign checkpoints as they come, until `stop`; raise `LogRefusedError` (fork) when the log forks.

        Other trouble is told and tried again: a hub that is away, an old checkpoint out of a cache.
        """
        while not self._stopping.is_set:
            try:
                with self._transport() as transport, self._transport() as streaming:
                    feed = Feed(transport, list_name=self._folder.list)
                    self._visit(feed, tell)
                    self._listen(feed, Feed(streaming, list_name=self._folder.list), tell)
            except HubError as error:
                if isinstance(error, LogRefusedError) and error.problem == "fork":
                    raise
                self._wait(error, tell)

    def stop(self) -> None:
        """End `follow` soon; may be called from any thread."""
        self._stopping.set()

    def _transport(self) -> AbstractContextManager[Transport]:
        with self._stopping.breaks_off(Transport(self._folder.hub, self._key)) as transport:
            address = Hub(transport, insecure=self._folder.insecure).me().feed
        return self._stopping.breaks_off(Transport(address, self._key))

    def _visit(self, feed: Feed, tell: Tell) -> None:
        note = self._newest(feed)
        try:
            self._sign(feed, note, tell)
        except LogRefusedError as error:
            if error.problem in {"shrunk", "fork"}:
                self._show_what_was_signed(feed)
            if error.problem != "signature" or not self._witness.follow_endorsements(feed.keys()):
                raise
            self._sign(feed, note, tell)

    def _show_what_was_signed(self, feed: Feed) -> None:
        """Show the hub its own later signature: one that was brought back from a backup does not know of it."""
        if (note := self._witness.signed_before(now_s=time.time())) is not None:
            with suppress(HubError):  # that the hub knows nothing of it is why it is shown
                feed.send_cosignature(note)

    def _newest(self, feed: Feed) -> str:
        """Return the hub's checkpoint; one that is behind what was signed is asked for again before it is judged."""
        note = feed.checkpoint()
        for _ in range(_TRIES):
            if parse_checkpoint_body(parse_note(note).body)[1] >= self._witness.size or self._stopping.wait(
                _TRY_AGAIN_S
            ):
                break
            note = feed.checkpoint()
        return note

    def _sign(self, feed: Feed, note: str, tell: Tell, news: Records | None = None) -> None:
        tiles = partial(_tiles_of, feed)
        signed = self._witness.countersign(note, tiles=tiles, now_s=time.time(), news=news)
        feed.send_cosignature(signed)
        self._backoff.reset()
        tell(Countersigned(self._witness.size))

    def _listen(self, feed: Feed, live: Feed, tell: Tell) -> None:
        visited_at = time.monotonic()
        with live.open_events(after=self._witness.size - 1) as stream:
            for event in stream:
                if isinstance(event, Behind):
                    raise HubUnavailableError("The hub asks to be visited before it goes on.")
                self._take(feed, event, tell)
                if time.monotonic() - visited_at >= POLL_S:
                    visited_at = time.monotonic()
                    self._visit(feed, tell)
        raise HubUnavailableError("The hub ended the live connection.")

    def _take(self, feed: Feed, event: LiveEvent, tell: Tell) -> None:
        # What was sent before the last visit arrives after it; and of what is signed more signatures come: ours, too.
        if isinstance(event, News | Cosigned) and not self._witness.knows(event.note):
            self._sign(feed, event.note, tell, event.records if isinstance(event, News) else None)

    def _wait(self, error: HubError, tell: Tell) -> None:
        if not self._stopping.is_set:
            wait_s = self._backoff.next_s()
            tell(Trouble(str(error), error.problem if isinstance(error, LogRefusedError) else None, wait_s))
            self._stopping.wait(wait_s)


def _tiles_of(feed: Feed, size: int) -> Tiles:
    return Tiles(feed.tile, size=size)
