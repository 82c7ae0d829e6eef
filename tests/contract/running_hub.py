"""The real hub, as its operator starts it: `staydown-hub up` with its database, in processes of its own."""

from __future__ import annotations

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

PROGRAMS = Path(sys.executable).parent
START_TIMEOUT_S = 90
STOP_TIMEOUT_S = 60

_READY = re.compile(r"ready web=(\S+) feed=(\S+)")


class RunningHub:
    """A hub on two ports of loopback that stay the same when it is killed and started again."""

    def __init__(self, home: Path) -> None:
        web, feed = _free_ports(2)
        self.url = f"http://127.0.0.1:{web}"
        self.feed_url = f"http://127.0.0.1:{feed}"
        self._environment = {
            **environment_without_settings(),
            "STAYDOWN_HOME": str(home),
            "STAYDOWN_WEB_ADDRESS": f"127.0.0.1:{web}",
            "STAYDOWN_FEED_ADDRESS": f"127.0.0.1:{feed}",
        }

    def start(self) -> None:
        """Start it and wait until it serves."""
        self._process = subprocess.Popen(
            [PROGRAMS / "staydown-hub", "up"],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # a group of its own, to be killed as one
        )
        self._said: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._wait_until_ready()

    def stop(self) -> None:
        """End it in order."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=STOP_TIMEOUT_S)
        self._reader.join()

    def kill(self) -> None:
        """End web, feed, worker and their supervisor at once, with kill -9."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=STOP_TIMEOUT_S)
        self._reader.join()

    def command(self, *words: str) -> str:
        """Run `staydown-hub` beside it, as its operator would, and return what that prints."""
        done = subprocess.run(
            [PROGRAMS / "staydown-hub", *words], env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._said.put(line)
        self._said.put("")

    def _wait_until_ready(self) -> None:
        said = []
        while line := self._said.get(timeout=START_TIMEOUT_S):
            said.append(line)
            if _READY.search(line):
                return
        pytest.fail("the hub did not start; it said:\n" + "".join(said[-30:]))


def environment_without_settings() -> dict[str, str]:
    """Return this process's environment without anything that would configure a hub or a member."""
    ours = ("STAYDOWN", "DATABASE_URL", "DJANGO")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()
