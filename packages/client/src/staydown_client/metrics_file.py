"""A filter's status in a file that Prometheus' node_exporter collects, for whoever runs the sync without a sidecar."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final, Self

from staydown_client.errors import ConfigurationError, FolderError
from staydown_client.filter import Filter
from staydown_client.gauges import status_lines
from staydown_client.status import filter_status

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_EVERY_S: Final = 10.0
_log = logging.getLogger("staydown_client")


class MetricsFile:
    """Written anew every ten seconds from `with` to its end, then once more; each time whole or not at all.

    When it can no longer be written that is logged, and what it held grows old, which is what to raise an alarm on.
    """

    def __init__(self, folder: Path, path: Path) -> None:
        """Write it for the first time; raise `ConfigurationError` when that cannot be."""
        self._filter = Filter.open(folder)
        self._path = path
        self._draft = path.with_name(f".{path.name}.new")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="staydown-metrics", daemon=True)
        try:
            self._write()
        except OSError as error:
            self._filter.close()
            raise ConfigurationError(f"The metrics cannot be written to {path}: {error.strerror}.") from error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()
        self._filter.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._stopped.wait(_EVERY_S)
            try:
                self._write()
            except (OSError, FolderError) as error:
                _log.warning("The metrics cannot be written to %s: %s", self._path, error)

    def _write(self) -> None:
        text = "\n".join(status_lines(filter_status(self._filter))) + "\n"
        self._draft.write_text(text, encoding="utf-8")
        self._draft.chmod(0o644)
        self._draft.replace(self._path)
