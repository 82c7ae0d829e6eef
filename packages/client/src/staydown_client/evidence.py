"""What a refused list looked like, kept in the folder so that it can be shown to others."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from staydown_client.errors import LogProblem

FOLDER_NAME: Final = "evidence"
MAX_FILES: Final = 50
_MAX_CHARACTERS: Final = 64 * 1024
_STAMPED = re.compile(r"\d{8}T\d{6}Z-[a-z]+(-\d+)?\.txt")


def keep_evidence(folder: Path, problem: LogProblem, *, verified: str | None, shown: str | None, message: str) -> None:
    """Write down both checkpoints: the one verified last, and the one that the hub shows. Oldest files go first.

    Without room on the disk there is no evidence; the refusal stands without it.
    """
    parts = [f"problem: {problem}", message, "", "--- verified before", verified or "nothing"]
    parts += ["--- shown by the hub", (shown or "nothing that could be kept")[:_MAX_CHARACTERS], ""]
    with suppress(OSError):
        place = folder / FOLDER_NAME
        place.mkdir(mode=0o700, exist_ok=True)
        kept = sorted(path for path in place.iterdir() if _STAMPED.fullmatch(path.name))
        text = "\n".join(parts).encode("utf-8", "replace")
        if kept and kept[-1].read_bytes() == text:
            return
        for path in kept[: len(kept) - MAX_FILES + 1]:
            path.unlink()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        path = place / f"{stamp}-{problem}.txt"
        number = 1
        while path.exists():
            number += 1
            path = place / f"{stamp}-{problem}-{number}.txt"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
