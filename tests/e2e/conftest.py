"""One hub for all browser tests, and Chromium for each module of them."""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from tests.e2e.browser import chromium
from tests.e2e.running import ConfiguredHub, Scene, set_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def mail_server() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    controller = Controller(Sink(), hostname="127.0.0.1", port=port)
    controller.start()
    yield f"smtp://127.0.0.1:{port}"
    controller.stop()


@pytest.fixture(scope="session")
def scene(mail_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    # As root the database runs under another account, which pytest's own folders shut out.
    home = Path(tempfile.mkdtemp(prefix="staydown-e2e-", dir="/tmp"))
    home.chmod(0o755)
    hub = ConfiguredHub(
        home, STAYDOWN_SMTP_URL=mail_server, STAYDOWN_CHECK_INTERVAL_S="1", STAYDOWN_SECOND_FACTOR="optional"
    )
    try:
        hub.start()
        yield set_up(hub, tmp_path_factory.mktemp("cast"))
        hub.stop()
    finally:
        shutil.rmtree(home)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started
