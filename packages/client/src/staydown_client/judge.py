"""What this platform decides beside the list: its policy, what it silenced, what floods; and its queue of matches."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from staydown_client.choices import ChoicesFile
from staydown_client.errors import FolderError
from staydown_client.local.allow_list import checked_silence, silence, silenced, unsilence
from staydown_client.local.flood import count_matches, count_uploads, floods, reset_flood
from staydown_client.local.outbox import outbox, put
from staydown_client.local.store import LOCAL_NAME, LocalStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from staydown_client.choices import Choices
    from staydown_client.local.allow_list import Silenced
    from staydown_client.local.flood import Flood
    from staydown_client.local.outbox import Outbox
    from staydown_client.policy import Policy
    from staydown_client.verdict import Verdict

_log = logging.getLogger("staydown_client")
_FLUSH_EVERY_S: Final = 1.0
_COMPLAIN_EVERY_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Stance:
    """All that the platform decided, at one moment."""

    choices: Choices
    silenced: frozenset[int]
    flooding: frozenset[int]

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.choices.policy


@dataclass(frozen=True, slots=True)
class _Known:
    """A stance, the version of the file that it was read from, and when it ends by itself."""

    version: int
    stale_at: float
    stance: Stance


@dataclass(frozen=True, slots=True)
class LocalStatus:
    """The platform's own part of a filter's status.

    `policy_problem` says what is wrong with the policy's file, `local_problem` why the allow-list or the queue cannot
    be used; `unrecorded` counts this process's matches that could not be put on disk.
    """

    silenced: tuple[Silenced, ...]
    floods: tuple[Flood, ...]
    outbox: Outbox | None
    policy_problem: str | None
    local_problem: str | None
    unrecorded: int


class Judge:
    """One for each process and folder; used by any number of threads, and after a fork."""

    def __init__(self, settings_path: Path, *, policy: Policy | None = None) -> None:
        """Use the folder whose filter.toml is at `settings_path`; `policy` takes the place of the one in the file.

        Raises `FolderError` or `ConfigurationError`.
        """
        self._file = ChoicesFile(settings_path, policy=policy)
        self._store = LocalStore(settings_path.with_name(LOCAL_NAME))
        self._lock = threading.Lock()
        # Replaced as a whole: threads that read anew at the same time leave what belongs together.
        self._known = _Known(-1, 0.0, Stance(self._file.current(), frozenset(), frozenset()))
        self._uploads = 0
        self._flushed_at = time.monotonic()
        self._unrecorded = 0
        self._problem: str | None = None
        self._complained_at = -_COMPLAIN_EVERY_S
        self.stance()

    def close(self) -> None:
        """Write down what was counted and give the folder up."""
        if self._uploads:
            self.record(())
        self._store.close()

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._file.current().policy

    def stance(self) -> Stance:
        """Return what is decided at this moment, by whichever process decided it."""
        choices = self._file.current()
        try:
            version, known = self._store.version(), self._known
            if version != known.version or choices is not known.stance.choices or time.time() >= known.stale_at:
                known = self._known = self._read(version, choices)
            self._problem = None
        except FolderError as error:
            # What was silenced stays silenced, and what floods stays held, as far as this process knew.
            self._complain(error)
            return replace(self._known.stance, choices=choices)
        return known.stance

    def saw(self, uploads: int) -> bool:
        """Count uploads that were looked at; say whether it is time to `record`, even without a match."""
        with self._lock:
            self._uploads += uploads
            return time.monotonic() - self._flushed_at >= _FLUSH_EVERY_S

    def record(self, stopped: Sequence[tuple[Verdict, str | None]]) -> None:
        """Put on disk the matches of verdicts, each with the platform's reference; on return they survive kill -9.

        A disk that is full or gone changes no verdict: what could not be kept is counted and logged.
        """
        with self._lock:
            uploads, self._uploads = self._uploads, 0
            self._flushed_at = time.monotonic()
        matches = [(reason, reference) for verdict, reference in stopped for reason in verdict.reasons]
        positions = Counter(position for verdict, _ in stopped for position in {r.position for r in verdict.reasons})
        choices, now = self._file.current(), time.time()
        try:
            with self._store.writing() as connection:
                put(connection, choices.matches, matches, now=now)
                count_uploads(connection, choices.flood, uploads=uploads, now=now)
                tripped = count_matches(connection, choices.flood, matches=positions, now=now)
        except FolderError as error:
            with self._lock:
                self._unrecorded += len(matches)
            self._complain(error)
            return
        for flood in tripped:
            _log.warning(
                "Position %d matched %d of %d uploads and is held from now on: look at it, then run "
                "'staydown filter flood --reset'.",
                flood.position,
                flood.matches,
                flood.uploads,
            )

    def silence(self, position: int, *, reason: str) -> bool:
        """Let an entry's matches pass from now on, in all processes; the hub is told, as a dispute.

        Says whether the entry was not silenced before. Raises `BadValueError` or `FolderError`.
        """
        position, reason = checked_silence(position, reason)
        with self._store.writing() as connection:
            return silence(connection, position, reason=reason, now=time.time())

    def unsilence(self, position: int) -> bool:
        """Let an entry's matches count again, in all processes; say whether it was silenced."""
        with self._store.writing() as connection:
            return unsilence(connection, position)

    def reset_flood(self, position: int | None = None) -> int:
        """Believe an entry (None: every one) that was held for flooding again; say how many were held."""
        with self._store.writing() as connection:
            return reset_flood(connection, position=position)

    def status(self) -> LocalStatus:
        """Return what is decided and what waits."""
        self._file.follow_now()
        self.stance()
        try:
            with self._store.reading() as connection:
                found = silenced(connection), floods(connection, now=time.time()), outbox(connection)
        except FolderError as error:
            return LocalStatus((), (), None, self._file.problem, str(error), self._unrecorded)
        return LocalStatus(*found, self._file.problem, self._problem, self._unrecorded)

    def _read(self, version: int, choices: Choices) -> _Known:
        now = time.time()
        with self._store.reading() as connection:
            quiet = frozenset(entry.position for entry in silenced(connection))
            held = floods(connection, now=now)
        stale_at = min((flood.until for flood in held if flood.until is not None), default=float("inf"))
        flooding = frozenset(flood.position for flood in held) if choices.flood.enabled else frozenset()
        return _Known(version, stale_at, Stance(choices, quiet, flooding))

    def _complain(self, error: FolderError) -> None:
        self._problem = str(error)
        now = time.monotonic()
        if now - self._complained_at >= _COMPLAIN_EVERY_S:
            self._complained_at = now
            _log.error("The filter goes on without its own file: %s", error)
