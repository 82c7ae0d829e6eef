"""One sidecar for all tests that do not need their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from staydown_client.folder import Folder, Settings, make_folder
from staydown_client.store_writer import StoreWriter
from staydown_match import fingerprint_bytes

from packages.client.tests.conftest import KEY, LIST, Body, admit, apply_to, photograph, wire
from packages.client.tests.integration.sidecar.running import RunningSidecar, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Listed:
    """A folder with a list, to which entries can be added as the sync does."""

    folder: Folder

    def apply(self, *bodies: Body) -> None:
        with StoreWriter(self.folder.store_path, list_name=LIST) as store:
            apply_to(store, *bodies)


def made(path: object) -> Listed:
    settings = Settings(hub="https://hub.example", list=LIST)
    return Listed(make_folder(str(path), settings=settings, key=KEY))


@pytest.fixture(scope="session")
def cat_bytes() -> bytes:
    return photograph("chelsea.png").read_bytes()


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory, cat_bytes: bytes) -> Listed:
    """Make a folder whose list holds one photograph, at position 0."""
    found = made(tmp_path_factory.mktemp("listed") / "filter")
    found.apply(admit(1, *wire(fingerprint_bytes(cat_bytes))))
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder that a web server serves."""
    folder = tmp_path_factory.mktemp("web") / "served"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def sidecar(listed: Listed, served: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSidecar]:
    """Run a sidecar with room for little, so that a test can fill it."""
    options = ("--no-follow", "--max-upload-mb", "4", "--max-receiving", "4", "--max-waiting", "1", "--decoders", "1")
    log = tmp_path_factory.mktemp("sidecar") / "log"
    with running(listed.folder.path, log, *options, "--files", str(served)) as found:
        yield found
