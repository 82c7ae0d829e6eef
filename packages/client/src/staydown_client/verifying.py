"""What the hub shows, held against what it signed: the one place where entries come to be believed."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from staydown_client.base.gathering import Gathering
from staydown_client.base.writing import write_new_base
from staydown_client.clock import moment_now
from staydown_client.download import Download
from staydown_client.entries import EntryReader
from staydown_client.errors import HubError, HubMisbehavedError, HubUnavailableError, LogRefusedError
from staydown_client.log.compact_range import CompactRange
from staydown_client.log.notes import parse_checkpoint_body, parse_note
from staydown_client.log.proofs import consistency_proof, root_of, verify_consistency
from staydown_client.log.tiles import Tiles

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from staydown_client.entries import Entries
    from staydown_client.feed import Cosigned, Feed, News, Records
    from staydown_client.key import ApiKey
    from staydown_client.log.notes import Checkpoint
    from staydown_client.log.trust import Trust
    from staydown_client.store_writer import StoreWriter

BASE_FROM: Final = 50_000
"""A first sync of so many entries is written into a base at once."""

_MOST_PENDING: Final = 3 * 4096
"""So many entries may wait for the signatures of enough witnesses."""
_STAYS: Final = "The list verified before stays in force."


@dataclass(frozen=True, slots=True)
class Extended:
    """What was verified and applied."""

    runs: tuple[Entries, ...]


class Verifier:
    """Extends a store by verified entries, whether they come in bulk or live."""

    def __init__(self, folder: Path, writer: StoreWriter, pinned: Trust, *, max_entries: int) -> None:
        """Believe the keys that were `pinned`, and those that they endorsed since; follow no longer list."""
        self._folder = folder
        self._writer = writer
        self._trust = pinned.follow_endorsements(writer.endorsed_keys())
        self._max_entries = max_entries
        self._fresh_until_s, self._fresh_of = -math.inf, -1
        self._pending: list[Records] = []
        self._download: Download | None = None
        self._stopped = False
        self.shown: str | None = None
        """The checkpoint that the hub showed last, believed or not."""

    @property
    def has_pending(self) -> bool:
        """Whether entries wait for more witnesses."""
        return bool(self._pending)

    def stop(self) -> None:
        """Let what is being fetched end early; may be called from any thread."""
        self._stopped = True
        if self._download is not None:
            self._download.stop()

    def catch_up(self, feed: Feed, address: str, key: ApiKey) -> None:
        """Verify and apply all up to the hub's newest checkpoint; raise `LogRefusedError` for what does not fit."""
        self._pending = []
        self.shown = feed.checkpoint()
        checkpoint = self._believed(self.shown, feed)
        download = self._download = Download(self._folder, address, key, list_name=self._writer.list_name)
        if self._stopped:
            download.stop()
        try:
            self._extend_twice(checkpoint, download)
        except HubMisbehavedError as error:
            download.forget()
            is_garbage = isinstance(error, LogRefusedError) and error.problem == "garbage"
            if is_garbage and self._is_proved_fork(checkpoint, feed):
                raise _forked(checkpoint) from error
            raise
        download.forget()

    def take(self, news: News) -> Extended | None:
        """Verify and apply what arrived live; None when it waits for more witnesses."""
        self.shown = news.note
        waiting = sum(map(len, self._pending))
        expected = self._writer.state.size + waiting
        if news.records.first != expected:
            raise LogRefusedError(
                f"The hub sent position {news.records.first} where {expected} comes next. {_STAYS}", problem="garbage"
            )
        if waiting + len(news.records) > _MOST_PENDING:
            raise LogRefusedError(
                f"{waiting} entries wait for the signatures of enough witnesses, and more come. {_STAYS}",
                problem="witnesses",
            )
        self._check_ends_with(news, size=expected + len(news.records))
        self._pending.append(news.records)
        return self._take(news.note)

    def take_cosigned(self, news: Cosigned) -> Extended | None:
        """Verify and apply what waited for this checkpoint's witnesses."""
        self.shown = news.note
        return self._take(news.note)

    def check_fresh(self) -> None:
        """Raise `LogRefusedError` when the witnesses' signatures under the list in force have become too old."""
        if time.time() > self._fresh_until_s:
            raise LogRefusedError(
                "The hub shows no newer list, and too few witnesses signed this one lately: a newer one may be kept "
                f"back. {_STAYS} Ask whether the witnesses run.",
                problem="witnesses",
            )

    def _check_ends_with(self, news: News, *, size: int) -> None:
        """Raise unless the checkpoint that came with entries ends with them: an older one would prove nothing, ever."""
        _, claimed, _ = parse_checkpoint_body(parse_note(news.note).body)
        if claimed == size:
            return
        try:
            self._check_old(self._trust.open_checkpoint(news.note, now_s=time.time()))
        except LogRefusedError as error:
            if error.problem == "fork":
                raise
        raise LogRefusedError(
            f"The hub sent entries up to {size} with a checkpoint of {claimed}. {_STAYS}", problem="garbage"
        )

    def _take(self, note: str) -> Extended | None:
        try:
            checkpoint = self._open(note)
        except LogRefusedError as error:
            if error.problem != "witnesses":
                raise
            return None
        size = self._writer.state.size
        if checkpoint.size <= size or not self._pending:
            self._check_old(checkpoint)
            self._note_witnesses(checkpoint)
            return None
        waiting, self._pending = self._pending, []
        parts = [records.part(size, checkpoint.size) for records in waiting if records.first < checkpoint.size]
        extended = self._extend(checkpoint, parts)
        for records in waiting:
            if records.first + len(records) > checkpoint.size:
                self._pending.append(records.part(checkpoint.size, records.first + len(records)))
        return extended

    def _open(self, note: str) -> Checkpoint:
        checkpoint = self._trust.open_checkpoint(note, now_s=time.time())
        if checkpoint.size > self._max_entries:
            raise LogRefusedError(
                f"The hub's list has {checkpoint.size} entries, more than this filter takes: its max_entries "
                f"is {self._max_entries}. {_STAYS}",
                problem="garbage",
            )
        return checkpoint

    def _note_witnesses(self, checkpoint: Checkpoint) -> None:
        """Note until when the signatures of `checkpoint` count; those of the list in force only ever gain."""
        state = self._writer.state
        if checkpoint.size == state.size:
            until_s = self._trust.fresh_until_s(checkpoint)
            self._fresh_until_s = until_s if self._fresh_of != state.size else max(until_s, self._fresh_until_s)
            self._fresh_of = state.size

    def _extend_twice(self, checkpoint: Checkpoint, download: Download) -> None:
        start = self._writer.state.size
        try:
            self._extend(checkpoint, download.records(start, checkpoint.size))
        except HubMisbehavedError:
            if not download.used_kept:
                raise
            # Bundles kept from a sync that broke off may be what does not fit: all is fetched anew before it is said.
            download.forget()
            self._extend(checkpoint, download.records(start, checkpoint.size))

    def _is_proved_fork(self, checkpoint: Checkpoint, feed: Feed) -> bool:
        """Say whether the tree that was signed did not begin with what was verified: tiles that lead to both show it.

        A broken byte on the way is no fork, and without tiles nothing is proved.
        """
        tree = CompactRange.from_bytes(self._writer.state.tree)
        if not 0 < tree.size < checkpoint.size:
            return False
        nodes = Tiles(feed.tile, size=checkpoint.size)
        try:
            other = root_of(nodes, size=tree.size)
            proof = consistency_proof(nodes, old_size=tree.size, size=checkpoint.size)
        except HubError:
            return False
        return other != tree.root() and verify_consistency(
            proof, old_size=tree.size, old_root=other, size=checkpoint.size, root=checkpoint.root
        )

    def _believed(self, note: str, feed: Feed) -> Checkpoint:
        try:
            return self._open(note)
        except LogRefusedError as error:
            if error.problem != "signature":
                raise
            offered = feed.keys()
            trust = self._trust.follow_endorsements(offered)
            if trust.keys == self._trust.keys:
                raise
            trust.open_checkpoint(note, now_s=time.time())
            new = {each.vkey for each in trust.keys} - {each.vkey for each in self._trust.keys}
            self._writer.remember_keys([(vkey, text) for vkey, text in offered if vkey in new and text is not None])
            self._trust = trust
            return self._open(note)

    def _check_old(self, checkpoint: Checkpoint) -> None:
        """Raise when a checkpoint that goes no further than the verified list contradicts it."""
        tree = CompactRange.from_bytes(self._writer.state.tree)
        if checkpoint.size == tree.size and checkpoint.root != tree.root():
            raise _forked(checkpoint)

    def _extend(self, checkpoint: Checkpoint, parts: Iterable[Records]) -> Extended:
        state = self._writer.state
        tree = CompactRange.from_bytes(state.tree)
        if checkpoint.size < tree.size:
            raise LogRefusedError(
                f"The hub shows a list of {checkpoint.size} entries where {tree.size} were verified before. A list "
                f"never gets shorter: tell the hub's operator. {_STAYS}",
                problem="shrunk",
            )
        gathering = Gathering()
        reader = EntryReader(gathering.labels)
        is_first = state.size == 0 and checkpoint.size >= BASE_FROM
        runs: list[Entries] = []
        for records in parts if checkpoint.size > tree.size else ():
            tree.append_many(records.leaves)
            run = reader.read(records.bodies, first=records.first)
            if is_first:
                gathering.add(run)
            else:
                runs.append(run)
        if tree.size < checkpoint.size:
            raise HubUnavailableError("The sync was stopped before all of the list had come.")
        if tree.root() != checkpoint.root:
            raise (
                _forked(checkpoint)
                if checkpoint.size == state.size
                else LogRefusedError(
                    f"What the hub sent does not lead to the root that it signed for {checkpoint.size} entries: it was "
                    f"changed on the way, or is another list. {_STAYS}",
                    problem="garbage",
                )
            )
        if is_first:
            base = write_new_base(self._folder, gathering, size=checkpoint.size)
            self._writer.adopt(base, tree=tree.to_bytes(), note=checkpoint.text)
        elif runs or state.note is None or state.refusal is not None:
            self._writer.apply(
                runs, gathering.labels, tree=tree.to_bytes(), note=checkpoint.text, confirmed=moment_now()
            )
        self._note_witnesses(checkpoint)
        return Extended(tuple(runs))


def _forked(checkpoint: Checkpoint) -> LogRefusedError:
    return LogRefusedError(
        f"The hub signed two different lists: the one of {checkpoint.size} entries that it shows does not continue "
        f"what was verified before. Tell the hub's operator and its other members. {_STAYS}",
        problem="fork",
    )
