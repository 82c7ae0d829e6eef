"""Looking again, at every frame, when a quick look at a video has found something."""

import os
from collections.abc import Callable
from typing import Protocol

from staydown_match.fingerprint import fingerprint_file
from staydown_match.types import Fingerprints, Mode, PdqHash


class Fingerprinter(Protocol):
    """What makes fingerprints of a file: fingerprint_file, or a pool that does it in another process."""

    def __call__(self, path: str | os.PathLike[str], mode: Mode = "publish") -> Fingerprints:
        """Fingerprint the file at `path`."""


def scan_closer_on_hit(
    path: str | os.PathLike[str],
    is_hit: Callable[[PdqHash], bool],
    *,
    fingerprint: Fingerprinter = fingerprint_file,
) -> Fingerprints:
    """Scan the file at `path`; if it is a video and `is_hit` says yes to any hash of it, scan every frame of it.

    The first scan looks at keyframes and is some twenty times as fast; the second tells exactly from when to when the
    video shows what was hit. `is_hit` is called until it first says yes. Raises what `fingerprint` does.
    """
    found = fingerprint(path, "scan")
    if found.kind == "video" and any(map(is_hit, found.pdq)):
        return fingerprint(path, "scan-every-frame")
    return found
