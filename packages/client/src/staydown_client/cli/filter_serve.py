"""staydown filter serve: answer checks and lookups over HTTP."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from staydown_client.config import find_folder
from staydown_client.errors import ConfigurationError
from staydown_client.sidecar.server import serve
from staydown_client.sidecar.settings import SidecarSettings, checked_settings, find_token, read_address

if TYPE_CHECKING:
    import argparse

_MB = 1024 * 1024


def run(args: argparse.Namespace) -> int:
    """Serve until it is told to end, and return the exit status."""
    workers = _at_least_one(args.workers, "--workers")
    decoders = _at_least_one(args.decoders or len(os.sched_getaffinity(0)), "--decoders")
    settings = SidecarSettings(
        folder=find_folder(args.folder).absolute(),
        address=read_address(args.address),
        scratch=args.scratch or Path(tempfile.gettempdir()),
        token=find_token(args.token_file),
        files=None if args.files is None else _folder(args.files),
        workers=workers,
        decoders=max(1, decoders // workers),
        max_upload_bytes=_at_least_one(args.max_upload_mb, "--max-upload-mb") * _MB,
        max_spool_bytes=_at_least_one(args.max_spool_mb, "--max-spool-mb") * _MB // workers,
        max_receiving=_at_least_one(args.max_receiving, "--max-receiving"),
        max_waiting=_at_least_one(args.max_waiting, "--max-waiting"),
    )
    serve(checked_settings(settings), follow=not args.no_follow)
    return 0


def _folder(path: Path) -> Path:
    if not path.is_dir() or path.resolve() == Path("/"):
        raise ConfigurationError("--files must name a folder, and not the whole machine.")
    return path.resolve()


def _at_least_one(value: int, option: str) -> int:
    if value < 1:
        raise ConfigurationError(f"{option} must be at least 1.")
    return value
