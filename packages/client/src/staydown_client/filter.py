"""The filter a platform calls for each upload: fingerprints it here, holds it against the list, says what follows."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Self, TypeAlias

from staydown_match import MIN_QUALITY, ClosedError, FingerprintPool

from staydown_client.decide import Evidence, decide, is_for_a_closer_look
from staydown_client.errors import FolderError
from staydown_client.folder import open_folder
from staydown_client.verdict import Problem, Verdict
from staydown_client.view import ListView

if TYPE_CHECKING:
    import os
    from types import TracebackType

    from staydown_match import Fingerprints
    from staydown_match.types import Mode

    from staydown_client.folder import Folder
    from staydown_client.following import Following
    from staydown_client.policy import Policy

Source: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview"


class Filter:
    """One list, kept in a folder; used by any number of threads at once.

    It sees at once what another process (`staydown filter sync --follow`) applies. A platform that wants a single
    process calls `follow` instead. Files are decoded in worker processes that may crash, hang or swell without harm;
    the first file waits about half a second for them.
    """

    def __init__(self, folder: Folder, *, policy: Policy | None = None) -> None:
        """Use `open`, which takes a path."""
        self._folder = folder
        self._policy = policy or folder.settings.policy
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def check(self, source: Source) -> Verdict:
        """Say what follows for a file, given by its path or its bytes.

        Of a video the keyframes are looked at, and every frame when they meet too little of an entry to tell.
        Raises `FileNotFoundError`, `IsADirectoryError` or `PermissionError` for a path that cannot be read. A file
        that cannot be decoded and a list that cannot be read are no exceptions but the verdict "unchecked".
        """
        try:
            fingerprints = self._fingerprints_of(source, "scan-every-frame" if self._policy.every_frame else "scan")
        except ClosedError:
            return _closed()
        return self._decide(fingerprints, source)

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

    def _fingerprints_of(self, source: Source, mode: Mode) -> Fingerprints:
        if isinstance(source, bytes | bytearray | memoryview):
            return self._decoders.fingerprint_bytes(source, mode)
        return self._decoders.fingerprint_file(source, mode)

    def _decide(self, fingerprints: Fingerprints, source: Source) -> Verdict:
        try:
            evidence = self._evidence(fingerprints)
            is_keyframes = fingerprints.kind == "video" and not self._policy.every_frame
            if is_keyframes and is_for_a_closer_look(evidence, self._policy):
                closer = self._fingerprints_of(source, "scan-every-frame")
                evidence = self._evidence(_together(fingerprints, closer))
        except FolderError as error:
            return _unreadable(error)
        except ClosedError:
            return _closed()
        return decide(evidence, self._policy)

    def _evidence(self, fingerprints: Fingerprints) -> Evidence:
        looked = self._view.look(fingerprints)
        comparable = {pdq.at_s for pdq in fingerprints.pdq if pdq.quality >= MIN_QUALITY}
        return Evidence(
            list=self._folder.settings.list,
            list_position=None if looked.caught_up_at is None else looked.position,
            list_age_s=_age_s(looked.caught_up_at),
            hits=looked.hits,
            problems=tuple(Problem(problem.code, problem.detail) for problem in fingerprints.problems),
            comparable=bool(comparable),
            frames=len(comparable) if fingerprints.kind == "video" else 0,
        )


def _together(quick: Fingerprints, closer: Fingerprints) -> Fingerprints:
    """Join both looks at one video; a frame that was seen in both counts once."""
    seen_at_s = {pdq.at_s for pdq in quick.pdq}
    pdq = (*quick.pdq, *(one for one in closer.pdq if one.at_s not in seen_at_s))
    return replace(quick, pdq=pdq, problems=tuple(dict.fromkeys((*quick.problems, *closer.problems))))


def _age_s(caught_up_at: float | None) -> float | None:
    # A time in the future is as doubtful as one in the past, and must not pass as fresh.
    return None if caught_up_at is None else abs(time.time() - caught_up_at)


def _closed() -> Verdict:
    return _unreadable(FolderError("This filter was closed: open it again."))


def _unreadable(error: FolderError) -> Verdict:
    return Verdict("unchecked", (), (Problem("list_unreadable", str(error)),), None, None)
