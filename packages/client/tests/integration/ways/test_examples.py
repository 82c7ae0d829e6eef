"""The examples for web frameworks run as their first lines say, and keep no listed picture."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from packages.client.tests.conftest import HERE, copy_of, photograph
from packages.client.tests.integration.sidecar.conftest import cat_bytes, listed
from packages.client.tests.integration.sidecar.running import RunningSidecar, free_port
from packages.client.tests.integration.sidecar.test_answers import form

if TYPE_CHECKING:
    from pathlib import Path

    from packages.client.tests.integration.sidecar.conftest import Listed

__all__ = ["cat_bytes", "listed"]
EXAMPLES = HERE.parent / "examples"


@pytest.mark.parametrize(("name", "interface"), [("starlette_app", "asgi"), ("django_app", "wsgi")])
def test_the_example_keeps_no_listed_picture(
    listed: Listed,
    tmp_path: Path,
    name: str,
    interface: str,
) -> None:
    port = free_port()
    board = tmp_path / "board"
    board.mkdir()
    environment = {**os.environ, "STAYDOWN_FILTER": str(listed.folder.path), "BOARD": str(board)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    command = [sys.executable, "-m", "granian", "--interface", interface, "--port", str(port), f"{name}:app"]
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=EXAMPLES, env=environment, stdout=output, stderr=output, text=True)
    server = RunningSidecar(process, port, log)
    try:
        wait_until_up(server)
        coffee = photograph("coffee.png").read_bytes()
        cat = photograph("chelsea.png")
        large = cat.read_bytes() + bytes(3_000_000)  # more than the frameworks keep in memory
        for data, status in ((coffee, 201), (large, 422), (copy_of(cat), 422), (cat.read_bytes(), 422), (b"?", 422)):
            body, headers = form(('name="picture"; filename="a"', data))
            answer = server.ask("POST", "/pictures", body, headers)
            assert answer.status == status, (len(data), answer.body, log.read_text())
        [kept] = board.iterdir()
        assert kept.read_bytes() == coffee
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_until_up(server: RunningSidecar) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            server.ask("GET", "/")
        except OSError:
            assert server.process.poll() is None, server.log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return
