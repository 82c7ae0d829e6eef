"""A hub as its operator runs it: `staydown-hub up` in a folder of its own, with all the processes that it starts."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

READY = re.compile(r"^ready web=(\S+) feed=(\S+)$", re.MULTILINE)
_WAIT_S = 60.0


def free_port() -> int:
    """Return a port of this machine that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port


def wait_for(happens: Callable[[], bool], what: str) -> None:
    """Wait until something happens, and fail when it does not."""
    until = time.monotonic() + _WAIT_S
    while not happens():
        assert time.monotonic() < until, f"this did not happen: {what}"
        time.sleep(0.05)


class RunningHub:
    """A hub in `home`; `output` is the file that its processes write to."""

    def __init__(self, home: Path) -> None:
        self.output = home.parent / "output.txt"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("STAYDOWN_")},
            "STAYDOWN_HOME": str(home),
            "STAYDOWN_WEB_ADDRESS": f"127.0.0.1:{free_port()}",
            "STAYDOWN_FEED_ADDRESS": f"127.0.0.1:{free_port()}",
        }
        self.environment.pop("DATABASE_URL", None)
        self.web = f"http://{self.environment['STAYDOWN_WEB_ADDRESS']}"
        self.start()

    def start(self) -> None:
        """Start `up` and wait for its word that it is ready."""
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "staydown_hub", "up"], env=self.environment, stdout=output, stderr=output
            )
        wait_for(lambda: self.said(READY) or self.process.poll() is not None, "the hub gets ready")
        assert self.said(READY), self.output.read_text()

    def said(self, pattern: re.Pattern[str]) -> bool:
        """Tell whether the hub has printed this."""
        return pattern.search(self.output.read_text()) is not None

    def stop(self) -> int:
        """End `up` as a service manager does, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_WAIT_S)

    def command(self, *words: str) -> str:
        """Run another command beside it and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "staydown_hub", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, method: str, route: str, *, key: str, body: object = None) -> tuple[int, Any]:
        """Ask the API; return the status and the answer. Raises OSError when nobody answers."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.web}/api/v1/{route}", sent, headers, method=method)  # noqa: S310 -- http to loopback
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 -- the same
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def processes(self) -> dict[int, str]:
        """Return all processes of this hub by their environment: pid and command line."""
        found: dict[int, str] = {}
        mark = f"STAYDOWN_HOME={self.environment['STAYDOWN_HOME']}".encode()
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    if mark in (folder / "environ").read_bytes().split(b"\0"):
                        found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
        return found

    def database_processes(self) -> set[int]:
        """Return the processes whose working folder is this hub's database."""
        found: set[int] = set()
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    if str((folder / "cwd").readlink()).startswith(self.environment["STAYDOWN_HOME"]):
                        found.add(int(folder.name))
                except OSError:
                    continue
        return found
