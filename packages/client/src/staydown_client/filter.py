"""The filter a platform calls for each upload: fingerprints it here, holds it against the list, says what follows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from staydown_match import ClosedError, FingerprintPool

from staydown_client.decide import Evidence, decide
from staydown_client.errors import FolderError
from staydown_client.folder import open_folder
from staydown_client.judge import Judge
from staydown_client.local.outbox import checked_reference
from staydown_client.verdict import Problem, Verdict
from staydown_client.view import ListView

if TYPE_CHECKING:
    import os
    from types import TracebackType

    from staydown_match import Fingerprints

    from staydown_client.folder import Folder
    from staydown_client.following import Following
    from staydown_client.policy import Policy


class Filter:
    """One list, kept in a folder; used by any number of threads at once.

    It sees at once what another process (`staydown filter sync --follow`) applies. A platform that wants a single
    process calls `follow` instead. Files are decoded in worker processes that may crash, hang or swell without harm;
    the first file waits about half a second for them.
    """

    def __init__(self, folder: Folder, *, policy: Policy | None = None) -> None:
        """Use `open`, which takes a path."""
        self._folder = folder
        self._judge = Judge(folder.settings_path, policy=policy)
        self._view = ListView(folder.store_path, list_name=folder.settings.list)
        self._decoders = FingerprintPool()

    @classmethod
    def open(cls, folder: str | os.PathLike[str], *, policy: Policy | None = None) -> Self:
        """Open the folder that `staydown filter init` made; `policy` takes the place of the one in filter.toml.

        Raises `FolderError` or `ConfigurationError`, which say what to do.
        """
        return cls(open_folder(folder), policy=policy)

    def close(self) -> None:
        """Give the folder up; a check after this answers "unchecked"."""
        self._decoders.close()
        self._view.close()
        self._judge.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def judge(self) -> Judge:
        """What this platform decides for itself: policy, silenced entries, floods, and the queue of matches."""
        return self._judge

    def check(
        self, source: str | os.PathLike[str] | bytes | bytearray | memoryview, *, reference: str | None = None
    ) -> Verdict:
        """Say what follows for a file, given by its path or its bytes.

        `reference` is the platform's own opaque name for the upload (at most 200 characters); it is kept with the
        matches that are reported to the hub.
        Raises `FileNotFoundError`, `IsADirectoryError` or `PermissionError` for a path that cannot be read. A file
        that cannot be decoded and a list that cannot be read are no exceptions but the verdict "unchecked".
        """
        checked_reference(reference)
        try:
            fingerprints = self._fingerprints_of(source)
        except ClosedError:
            return _unreadable(FolderError("This filter was closed: open it again."))
        verdict = self._decide(fingerprints)
        if self._judge.saw(1) or verdict.reasons:
            self._judge.record([(verdict, reference)])
        return verdict

    def sync(self) -> None:
        """Catch up with the hub once; raise a `HubError`, or `FolderBusyError` when another sync has the folder."""
        from staydown_client.sync import opened  # noqa: PLC0415 - a filter synced by another process needs no HTTP

        with opened(self._folder) as syncing:
            syncing.catch_up(lambda _progress: None)

    def follow(self) -> Following:
        """Keep the list up to date from a thread of this process until the returned handle is stopped.

        Raises `FolderBusyError` when another sync has the folder.
        """
        from staydown_client.following import Following  # noqa: PLC0415 - as in `sync`

        return Following(self._folder)

    def _fingerprints_of(self, source: str | os.PathLike[str] | bytes | bytearray | memoryview) -> Fingerprints:
        if isinstance(source, bytes | bytearray | memoryview):
            return self._decoders.fingerprint_bytes(source, "scan")
        return self._decoders.fingerprint_file(source, "scan")

    def _decide(self, fingerprints: Fingerprints) -> Verdict:
        stance = self._judge.stance()
        policy = stance.policy
        try:
            looked = self._view.look(fingerprints, min_quality=policy.min_quality, variants=policy.variants)
        except FolderError as error:
            return _unreadable(error)
        evidence = Evidence(
            list=self._folder.settings.list,
            list_position=None if looked.caught_up_at is None else looked.position,
            list_age_s=_age_s(looked.caught_up_at),
            hits=looked.hits,
            problems=tuple(Problem(problem.code, problem.detail) for problem in fingerprints.problems),
            comparable=any(pdq.quality >= policy.min_quality for pdq in fingerprints.pdq),
            silenced=stance.silenced,
            flooding=stance.flooding,
        )
        return decide(evidence, policy)


def _age_s(caught_up_at: float | None) -> float | None:
    # A time in the future is as doubtful as one in the past, and must not pass as fresh.
    return None if caught_up_at is None else abs(time.time() - caught_up_at)


def _unreadable(error: FolderError) -> Verdict:
    return Verdict("unchecked", (), (Problem("list_unreadable", str(error)),), None, None)
