"""A sidecar that runs as a platform runs it, and ways to speak to it, well and badly."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

START_S = 60.0


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - what tests look into
        return json.loads(self.body)


@dataclass
class RunningSidecar:
    """A `staydown filter serve` on loopback."""

    process: subprocess.Popen[str]
    port: int
    log: Path

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(
                response.status, {name.lower(): text for name, text in response.getheaders()}, response.read()
            )
        finally:
            connection.close()

    def look_up(self, *fingerprints: object, **more: object) -> Answer:
        body = json.dumps({"fingerprints": fingerprints, **more}).encode()
        return self.ask("POST", "/v1/lookup", body, {"content-type": "application/json"})

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def metric(self, name: str) -> float:
        lines = self.ask("GET", "/metrics").body.decode().splitlines()
        [line] = [line for line in lines if line.startswith(f"{name} ")]
        return float(line.split()[-1])

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def running(
    folder: Path, log: Path, *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[RunningSidecar]:
    """Run a sidecar on the folder until the end of the block."""
    port = free_port()
    command = [sys.executable, "-m", "staydown_client", "filter", "serve", str(folder)]
    command += ["--address", f"127.0.0.1:{port}", "--scratch", str(log.parent), *options]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, text=True, env={**os.environ, **(environment or {})}
        )
    sidecar = RunningSidecar(process, port, log)
    try:
        _wait_until_healthy(sidecar)
        yield sidecar
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=60)


def _wait_until_healthy(sidecar: RunningSidecar) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            if sidecar.ask("GET", "/healthz").status == 200:
                return
        except OSError:
            pass
        assert sidecar.process.poll() is None, sidecar.log.read_text()
        assert time.monotonic() < deadline, sidecar.log.read_text()
        time.sleep(0.05)


def until(what: str, condition: Any, *, timeout_s: float = 30.0) -> None:  # noqa: ANN401 - a question without words
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
