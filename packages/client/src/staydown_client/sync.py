"""Brings a folder's list up to date with the hub, once or for as long as it runs; only what was verified takes force.

The rule: the list's new entries, added to the tree of those verified before, must lead to exactly the root in a
checkpoint that the list's key signed (and enough witnesses, where that is set). That proves at once that the hub shows
the list that it signed and that this list continues the one before. Else nothing of them is applied, the list verified
before stays in force, and what came is kept as evidence.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from staydown_client.address import checked_hub_address
from staydown_client.backoff import Backoff
from staydown_client.clock import moment_now
from staydown_client.entries import OPERATIONS
from staydown_client.errors import (
    FolderError,
    HubError,
    HubMisbehavedError,
    HubRefusedError,
    HubUnavailableError,
    LogRefusedError,
)
from staydown_client.evidence import keep_evidence
from staydown_client.feed import Alive, Behind, Cosigned, Feed, News
from staydown_client.hub import Hub
from staydown_client.lock import held
from staydown_client.merging import Merging
from staydown_client.receipts import Receipt, Receipts
from staydown_client.stopping import Stopping
from staydown_client.store import Refusal
from staydown_client.store_writer import StoreWriter
from staydown_client.transport import Transport
from staydown_client.verifying import Verifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from staydown_client.folder import Folder
    from staydown_client.key import ApiKey
    from staydown_client.verifying import Extended

_CONFIRM_INTERVAL_S: Final = 5.0
_REDACTION_TRIES: Final = 4
_WITNESS_TRIES: Final = 20
_RETRY_S: Final = 0.25


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
        syncing = Syncing(folder, writer, key)
        try:
            yield syncing
        finally:
            syncing.close()


class Syncing:
    """The one sync of a folder. Every method but `stop` belongs to one thread."""

    def __init__(self, folder: Folder, writer: StoreWriter, key: ApiKey) -> None:
        self._folder = folder
        self._settings = folder.settings
        self._writer = writer
        self._key = key
        self._verifier = Verifier(
            folder.path, writer, folder.settings.trusted(), max_entries=folder.settings.max_entries
        )
        self._merging = Merging(writer)
        self._stopping = Stopping()
        self._backoff = Backoff()
        self._feed_address = writer.feed
        self._receipts = Receipts(
            lambda: self._feed_address, key, list_name=folder.settings.list, filter_id=folder.filter_id()
        )
        self._writer.set_live(None)

    def catch_up(self, tell: Tell) -> None:
        """Verify and apply all that the hub holds; raise a `HubError` when it cannot be had or is not believed."""
        try:
            with self._refusals_noted(), self._transport_to(self._find_feed()) as transport:
                self._catch_up(Feed(transport, list_name=self._settings.list), tell)
        finally:
            self._note_receipt()
            self._receipts.send_now()
        self._merging.run_if_due()
        self._writer.clear_away()

    def follow(self, tell: Tell) -> None:
        """Catch up, then apply entries as they come, until `stop`. Never gives up once it was caught up.

        Before that a refusal (a wrong key, an unknown list) is raised: waiting would not mend it.
        """
        ever_caught_up = False
        self._receipts.start()
        while not self._stopping.is_set:
            try:
                with self._refusals_noted(), self._transport_to(self._find_feed()) as transport:
                    feed = Feed(transport, list_name=self._settings.list)
                    self._catch_up(feed, tell)
                    ever_caught_up = True
                    self._apply_live(feed, tell)
            except (HubError, FolderError) as error:
                if isinstance(error, HubRefusedError | FolderError) and not ever_caught_up:
                    raise
                self._wait(error, tell)

    def stop(self) -> None:
        """End `follow` soon; may be called from any thread."""
        self._stopping.set()
        self._verifier.stop()

    def close(self) -> None:
        """End what runs beside; the folder is still locked."""
        self._verifier.stop()
        self._merging.stop()
        with suppress(FolderError):
            self._writer.set_live(None)
            self._note_receipt()
        self._receipts.stop()

    def _transport_to(self, address: str) -> AbstractContextManager[Transport]:
        return self._stopping.breaks_off(Transport(address, self._key))

    def _find_feed(self) -> str:
        """Ask the hub where its feed is; while the hub is away the address that it last gave still serves."""
        try:
            with self._transport_to(self._settings.hub) as transport:
                address = Hub(transport, insecure=self._settings.insecure).me().feed
        except HubUnavailableError:
            remembered = self._writer.feed
            if remembered is None:
                raise
            address = checked_hub_address(remembered, insecure=self._settings.insecure)
        else:
            self._writer.remember_feed(address)
        self._feed_address = address
        return address

    def _catch_up(self, feed: Feed, tell: Tell) -> None:
        before = self._writer.position
        tries = 0
        while not self._stopping.is_set:
            asked = moment_now()
            try:
                self._verifier.catch_up(feed, self._address(), self._key)
            except LogRefusedError as error:
                # A redaction that was made while we fetched, or a checkpoint that no witness has seen yet: both pass.
                tries += 1
                most = {"redaction": _REDACTION_TRIES, "witnesses": _WITNESS_TRIES}.get(error.problem, 0)
                if tries >= most:
                    raise
                self._stopping.wait(_RETRY_S)
                continue
            self._writer.confirm(asked)
            self._note_receipt()
            tell(CaughtUp(self._writer.position, applied=self._writer.position - before))
            return

    def _address(self) -> str:
        if self._feed_address is None:
            raise HubUnavailableError("The hub has not said where its feed is.")
        return self._feed_address

    def _apply_live(self, feed: Feed, tell: Tell) -> None:
        confirmed_at = -_CONFIRM_INTERVAL_S
        with feed.open_events(after=self._writer.position) as stream:
            for event in stream:
                if isinstance(event, Behind):
                    # Told as trouble, and waited for a little: a hub that says so each time is not asked without end.
                    raise HubUnavailableError("The hub asks to be caught up with before it goes on.")
                extended: Extended | None = None
                if isinstance(event, News):
                    extended = self._verifier.take(event)
                elif isinstance(event, Cosigned):
                    extended = self._verifier.take_cosigned(event)
                self._backoff.reset()
                if extended is not None:
                    self._tell_all(extended, tell)
                elif isinstance(event, Alive) and time.monotonic() - confirmed_at >= _CONFIRM_INTERVAL_S:
                    self._note_alive()
                    confirmed_at = time.monotonic()
                self._note_receipt()
        raise HubUnavailableError("The hub ended the live connection.")

    def _note_alive(self) -> None:
        """Note that the list is followed live and nothing newer is known, and do what can wait for a quiet moment.

        Raise `LogRefusedError` (witnesses) when only the hub says so: its witnesses' signatures are too old by now.
        """
        self._verifier.check_fresh()
        if not self._verifier.has_pending:
            live_since_s = self._writer.state.live_since_s
            self._writer.confirm(moment_now(), live_since_s=time.time() if live_since_s is None else live_since_s)
        self._merging.tend()
        self._writer.clear_away()

    def _tell_all(self, extended: Extended, tell: Tell) -> None:
        for run in extended.runs:
            for place, operation in enumerate(run.operations.tolist()):
                name = OPERATIONS[operation] if operation < len(OPERATIONS) else "redacted"
                tell(Applied(run.first + place, name))

    def _note_receipt(self) -> None:
        state = self._writer.state
        if state.refusal is not None:
            self._receipts.note(Receipt(self._writer.position, "refused", problem=state.refusal.problem))
        elif state.live_since_s is not None:
            self._receipts.note(Receipt(self._writer.position, "live", live_since_s=state.live_since_s))
        else:
            self._receipts.note(Receipt(self._writer.position, "behind"))

    @contextmanager
    def _refusals_noted(self) -> Iterator[None]:
        """Note what is refused within, with its evidence, and that the list is not followed live after it."""
        try:
            yield
        except HubMisbehavedError as error:
            problem = error.problem if isinstance(error, LogRefusedError) else "garbage"
            keep_evidence(
                self._folder.path,
                problem,
                verified=self._writer.state.note,
                shown=self._verifier.shown,
                message=str(error),
            )
            self._writer.refuse(Refusal(problem, str(error), time.time()))
            raise
        finally:
            with suppress(FolderError):
                self._writer.set_live(None)
                self._note_receipt()

    def _wait(self, error: Exception, tell: Tell) -> None:
        if not self._stopping.is_set:
            wait_s = self._backoff.next_s()
            tell(Trouble(str(error), wait_s))
            self._stopping.wait(wait_s)
