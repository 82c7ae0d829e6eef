"""Runs a sidecar: granian's worker processes, and beside them in the first process the sync that they all see."""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import signal
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from staydown_client.errors import FolderBusyError
from staydown_client.filter import Filter
from staydown_client.sidecar.settings import checked_settings

if TYPE_CHECKING:
    from staydown_client.sidecar.settings import SidecarSettings

_log = logging.getLogger("staydown_client")
_HEADERS_MS: Final = 10_000
_HEADER_BYTES: Final = 64 * 1024
_CONNECTIONS: Final = 4096
_START_S: Final = 5.0  # a worker that is replaced goes when the new one has had so long to start
_STOP_S: Final = 30
_PR_SET_PDEATHSIG: Final = 1


def serve(settings: SidecarSettings, *, follow: bool) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP replaces the workers one by one.

    With `follow` the list is kept up to date from a thread of this process, unless another process does it already.
    Raises `FolderError` or `ConfigurationError` when it cannot begin.
    """
    checked_settings(settings)
    # Workers begin anew instead of being copied from a process that has threads.
    multiprocessing.set_start_method("spawn", force=True)
    with ExitStack() as stack:
        opened = stack.enter_context(Filter.open(settings.folder))
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="staydown-sidecar-", dir=settings.scratch))
        if follow:
            try:
                stack.enter_context(opened.follow())
            except FolderBusyError:
                _log.info("Another process syncs this folder; the sidecar sees what it applies.")
        shared = replace(settings, scratch=Path(scratch))
        _server(shared).serve(target_loader=partial(make_application, shared), wrap_loader=False)


def make_application(settings: SidecarSettings) -> Any:  # noqa: ANN401 - granian asks it for methods by name
    """Make one worker's application; runs in the worker."""
    from staydown_client.sidecar.application import Sidecar  # noqa: PLC0415 - the first process needs none of it

    _end_with_parent()
    return Sidecar(settings)


def _end_with_parent() -> None:
    """Have this worker stopped when the first process is gone, however it went: nobody else would tell it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def _server(settings: SidecarSettings) -> MPServer:
    return MPServer(
        "staydown_client.sidecar",
        address=settings.address.host,
        port=settings.address.port,
        interface=Interfaces.RSGI,
        loop=Loops.asyncio,
        workers=settings.workers,
        http=HTTPModes.http1,
        websockets=False,
        backpressure=_CONNECTIONS,
        backlog=_CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADERS_MS, max_buffer_size=_HEADER_BYTES),
        log_access=False,
        log_level=LogLevels.warning,
        log_dictconfig=_logging(),
        respawn_failed_workers=True,
        respawn_interval=_START_S,
        workers_kill_timeout=_STOP_S,
    )


def _logging() -> dict[str, Any]:
    """One line an event on standard error: never an address, a header, a fingerprint or a token."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(process)d %(levelname)s %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "loggers": {
            "_granian": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "staydown_client": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
            "staydown_match": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        },
    }
