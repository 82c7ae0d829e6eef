"""The hub as the demo runs it: `staydown-hub up` as a process of its own, and its API asked over HTTP."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

_BIN = Path(sys.executable).parent
_READY = re.compile(r"ready web=(?P<web>\S+) feed=(?P<feed>\S+)")
_START_TIMEOUT_S = 90


class Hub:
    """A hub in `home`, running while the context is open."""

    def __init__(self, home: Path, *, environment: dict[str, str]) -> None:
        self.home = home
        self.web_url = ""
        self._environment = {**os.environ, "STAYDOWN_HOME": str(home), **environment}
        self._lines: queue.Queue[str | None] = queue.Queue()

    def command(self, *words: str) -> str:
        """Run `staydown-hub` beside the running hub, as its operator would, and return what it prints."""
        done = subprocess.run(
            [_BIN / "staydown-hub", *words], env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise HubError(f"staydown-hub {words[0]} failed: {done.stderr.strip()}")
        return done.stdout

    def get(self, route: str, *, key: str) -> dict[str, Any]:
        """Ask the hub's API."""
        request = urllib.request.Request(f"{self.web_url}/api/v1/{route}", headers={"Authorization": f"Bearer {key}"})  # noqa: S310  # http to loopback
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310  # the same
            answer: dict[str, Any] = json.load(response)
            return answer

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            # Should the demo be killed, the kernel asks the hub to stop.
            ["setpriv", "--pdeathsig", "TERM", _BIN / "staydown-hub", "up"],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C reaches the demo alone, which then stops the hub in order
        )
        threading.Thread(target=self._read_lines, daemon=True).start()
        try:
            self._wait_until_ready()
        except BaseException:  # Ctrl-C above all: a hub that is still starting is stopped like any other
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read_lines(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line)
        self._lines.put(None)

    def _wait_until_ready(self) -> None:
        said: list[str] = []
        while True:
            try:
                line = self._lines.get(timeout=_START_TIMEOUT_S)
            except queue.Empty:
                line = None
            if line is None:
                raise HubError("the hub did not start; it said:\n" + "".join(said[-20:]))
            said.append(line)
            if ready := _READY.search(line):
                self.web_url = ready["web"]
                return


class HubError(RuntimeError):
    """The hub did not do what the demo asked of it; the message says what it printed."""
