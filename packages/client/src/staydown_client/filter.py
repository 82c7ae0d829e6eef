"""The filter a platform calls for each upload: fingerprints it here, holds it against the list, says what follows."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self, TypeAlias

import numpy as np
from staydown_match import ClosedError, FingerprintPool

from staydown_client.decide import Evidence, decide, is_for_a_closer_look
from staydown_client.errors import FolderError
from staydown_client.folder import open_folder
from staydown_client.judge import Judge
from staydown_client.local.outbox import checked_reference
from staydown_client.verdict import Problem, Verdict
from staydown_client.view import ListView

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from types import TracebackType

    from numpy.typing import NDArray
    from staydown_match import Fingerprints
    from staydown_match.types import Mode

    from staydown_client.decide import Hit
    from staydown_client.entries import ExactAlgorithm
    from staydown_client.folder import Folder
    from staydown_client.following import Following
    from staydown_client.judge import Stance
    from staydown_client.policy import Policy
    from staydown_client.view import ListStatus, Looked, LookedUp

_NO_HASHES: Final = np.empty((0, 32), np.uint8)


@dataclass(frozen=True, slots=True)
class LookUp:
    """What follows for many fingerprints: by their row those that met an entry, and the verdict of all others."""

    otherwise: Verdict
    exact: dict[int, Verdict]
    near: dict[int, Verdict]


Source: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview"


class Filter:
    """One list, kept in a folder; used by any number of threads at once.

    It sees at once what another process (`staydown filter sync --follow`) applies. A platform that wants a single
    process calls `follow` instead. Files are decoded in worker processes that may crash, hang or swell without harm;
    the first file waits about half a second for them.
    """

    def __init__(
        self, folder: Folder, *, policy: Policy | None = None, decoders: FingerprintPool | None = None
    ) -> None:
        """Use `open`, which takes a path."""
        self._folder = folder
        self._judge = Judge(folder.settings_path, policy=policy)
        self._view = ListView(folder.store_path, list_name=folder.settings.list)
        self._decoders = decoders or FingerprintPool()

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike[str],
        *,
        policy: Policy | None = None,
        decoders: FingerprintPool | None = None,
    ) -> Self:
        """Open the folder that `staydown filter init` made; `policy` takes the place of the one in filter.toml.

        `decoders` decode the files, with limits of your choice; the filter closes them. Raises `FolderError` or
        `ConfigurationError`, which say what to do.
        """
        return cls(open_folder(folder), policy=policy, decoders=decoders)

    def start(self) -> Self:
        """Have the decoders ready before the first file, which else waits about half a second for them."""
        self._decoders.start()
        return self

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
    def list_name(self) -> str:
        """The list that is followed."""
        return self._folder.settings.list

    @property
    def judge(self) -> Judge:
        """What this platform decides for itself: policy, silenced entries, floods, and the queue of matches."""
        return self._judge

    def list_status(self) -> ListStatus:
        """Say how the list stands: how far it is verified, whether it is live, and whether the hub's is refused."""
        return self._view.status()

    def check(self, source: Source, *, reference: str | None = None) -> Verdict:
        """Say what follows for a file, given by its path or its bytes.

        Of a video the keyframes are looked at, and every frame when they meet too little of an entry to tell.
        `reference` is the platform's own opaque name for the upload (at most 200 characters); it is kept with the
        matches that are reported to the hub.
        Raises `FileNotFoundError`, `IsADirectoryError` or `PermissionError` for a path that cannot be read. A file
        that cannot be decoded and a list that cannot be read are no exceptions but the verdict "unchecked".
        """
        checked_reference(reference)
        every_frame = self._judge.stance().policy.every_frame
        try:
            fingerprints = self._fingerprints_of(source, "scan-every-frame" if every_frame else "scan")
        except ClosedError:
            return _closed()
        verdict = self._decide(fingerprints, source)
        if self._judge.saw(1) or verdict.reasons:
            self._judge.record([(verdict, reference)])
        return verdict

    def look_up(
        self,
        exact: Sequence[tuple[ExactAlgorithm, bytes]] = (),
        hashes: NDArray[np.uint8] | None = None,
        *,
        variants: bool = False,
    ) -> LookUp:
        """Say what follows for fingerprints that were made elsewhere, each for itself.

        `exact` are digests; `hashes` are PDQ hashes good enough to be compared, uint8 (n, 32). `variants` also finds
        what was turned, mirrored or inverted, in about ten times the time. Nothing is recorded: give the verdicts to
        `judge.record`. Raises `FolderError` when the list cannot be read.
        """
        stance = self._judge.stance()
        looked = self._view.look_up(
            exact,
            _NO_HASHES if hashes is None else hashes,
            max_distance_bits=stance.policy.max_distance_bits,
            variants=variants,
        )
        nothing = self._evidence(looked, stance, (), ())
        return LookUp(
            otherwise=decide(nothing, stance.policy),
            exact=_verdicts(looked.exact_hits, nothing, stance.policy),
            near=_verdicts(looked.near_hits, nothing, stance.policy),
        )

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
        stance = self._judge.stance()
        try:
            evidence = self._evidence_of(fingerprints, stance)
            is_keyframes = fingerprints.kind == "video" and not stance.policy.every_frame
            if is_keyframes and is_for_a_closer_look(evidence, stance.policy):
                closer = self._fingerprints_of(source, "scan-every-frame")
                evidence = self._evidence_of(_together(fingerprints, closer), stance)
        except FolderError as error:
            return _unreadable(error)
        except ClosedError:
            return _closed()
        return decide(evidence, stance.policy)

    def _evidence_of(self, fingerprints: Fingerprints, stance: Stance) -> Evidence:
        policy = stance.policy
        looked = self._view.look(fingerprints, min_quality=policy.min_quality, variants=policy.variants)
        problems = tuple(Problem(problem.code, problem.detail) for problem in fingerprints.problems)
        comparable = {pdq.at_s for pdq in fingerprints.pdq if pdq.quality >= policy.min_quality}
        return replace(
            self._evidence(looked, stance, looked.hits, problems),
            comparable=bool(comparable),
            frames=len(comparable) if fingerprints.kind == "video" else 0,
        )

    def _evidence(
        self, looked: Looked | LookedUp, stance: Stance, hits: tuple[Hit, ...], problems: tuple[Problem, ...]
    ) -> Evidence:
        return Evidence(
            list=self._folder.settings.list,
            list_position=None if looked.caught_up_at is None else looked.position,
            list_age_s=_age_s(looked.caught_up_at),
            hits=hits,
            problems=problems,
            comparable=True,
            silenced=stance.silenced,
            flooding=stance.flooding,
        )


def _verdicts(hits: list[tuple[int, Hit]], nothing: Evidence, policy: Policy) -> dict[int, Verdict]:
    of_row: dict[int, list[Hit]] = {}
    for row, hit in hits:
        of_row.setdefault(row, []).append(hit)
    return {row: decide(replace(nothing, hits=tuple(found)), policy) for row, found in of_row.items()}


def _together(quick: Fingerprints, closer: Fingerprints) -> Fingerprints:
    """Join both looks at one video; a frame that was seen in both counts once."""
    seen_at_s = {pdq.at_s for pdq in quick.pdq}
    pdq = (*quick.pdq, *(one for one in closer.pdq if one.at_s not in seen_at_s))
    return replace(quick, pdq=pdq, problems=tuple(dict.fromkeys((*quick.problems, *closer.problems))))


def _age_s(caught_up_at: float | None) -> float | None:
    # Infinite when no clock can tell: such a list must not pass as fresh.
    return None if caught_up_at is None else max(time.time() - caught_up_at, 0.0)


def _closed() -> Verdict:
    return _unreadable(FolderError("This filter was closed: open it again."))


def _unreadable(error: FolderError) -> Verdict:
    return Verdict("unchecked", (), (Problem("list_unreadable", str(error)),), None, None)
