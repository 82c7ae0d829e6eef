"""Opens a file that a web server is about to serve: only a regular one, only under the folder that was agreed."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote

from staydown_client.sidecar.answers import refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def served_file(root: Path | None, named: str | None) -> Iterator[str]:
    """Give a path that only this process can open, of the file that the header names; 404 for what is not to be had."""
    if root is None:
        raise refused(404, "not_found", "Start the sidecar with --files DIR to have files checked where they are.")
    descriptor = _opened(root, unquote(named or ""))
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _opened(root: Path, named: str) -> int:
    missing = refused(404, "not_found", "There is no such file under the folder that --files names.")
    if "\0" in named or not named.startswith("/"):
        raise missing
    try:
        descriptor = os.open(named, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        raise missing from None
    # Asked of what is open, not of the name: nobody can put another file there in between.
    real = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - a deleted file's is no path
    if not stat.S_ISREG(os.fstat(descriptor).st_mode) or not real.startswith(f"{root}/"):
        os.close(descriptor)
        raise missing
    return descriptor
