"""Opens a file that a web server is about to serve: only a regular one, only under the folder that was agreed."""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from staydown_client.sidecar.answers import refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@asynccontextmanager
async def served_file(root: Path | None, named: str | None) -> AsyncIterator[str]:
    """Give a path that only this process can open, of the file that the header names; 404 for what is not to be had."""
    if root is None:
        raise refused(404, "not_found", "Start the sidecar with --files DIR to have files checked where they are.")
    # Headers come as latin-1: each character is the byte that was sent.
    path = os.fsdecode(unquote_to_bytes((named or "").encode("latin-1")))
    # In a thread: a network's file system may take its time, and lookups must not wait for it.
    descriptor = await asyncio.get_running_loop().run_in_executor(None, _opened, root, path)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _opened(root: Path, named: str) -> int:
    missing = refused(404, "not_found", "There is no such file under the folder that --files names.")
    # The web server takes dots out of the path before it opens the file, and links do not: both must mean one file.
    if "\0" in named or not named.startswith("/") or not {".", ".."}.isdisjoint(named.split("/")):
        raise missing
    try:
        # Only looked at: opening a device or a pipe can do things. Opened is what was looked at, whatever is there now.
        found = os.open(named, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        raise missing from None
    try:
        real = os.readlink(f"/proc/self/fd/{found}")  # noqa: PTH115 - a deleted file's is no path
        if not stat.S_ISREG(os.fstat(found).st_mode) or not real.startswith(f"{root}/"):
            raise missing
        return os.open(f"/proc/self/fd/{found}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        raise missing from None
    finally:
        os.close(found)
