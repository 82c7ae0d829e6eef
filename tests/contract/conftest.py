"""One hub for all contract tests; each test has pictures that no other reports, and a filter of its own."""

from __future__ import annotations

import json
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.contract.members import CAST, Cast, Member, Uploads, filter_following
from tests.contract.running_hub import RunningHub

if TYPE_CHECKING:
    from collections.abc import Iterator

# Ordinary photographs that scikit-image ships.
PHOTOGRAPHS = (
    "chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png", "camera.png", "coins.png", "retina.jpg",
    "hubble_deep_field.jpg", "motorcycle_left.png", "ihc.png",
)  # fmt: skip


def photograph(name: str) -> Path:
    spec = find_spec("skimage")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "data" / name


@pytest.fixture(scope="session")
def hub() -> Iterator[RunningHub]:
    # As root the database runs under another account, which pytest's own folders shut out.
    home = Path(tempfile.mkdtemp(prefix="staydown-contract-", dir="/tmp"))
    home.chmod(0o755)
    running = RunningHub(home)
    try:
        running.start()
        yield running
        running.stop()
    finally:
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def cast(hub: RunningHub, tmp_path_factory: pytest.TempPathFactory) -> Cast:
    roll = tmp_path_factory.mktemp("cast") / "cast.toml"
    roll.write_text(CAST)
    imported = json.loads(hub.command("organisations", "import", str(roll), "--json"))
    return Cast(**{each["slug"]: Member(hub, each["keys"][0]["token"]) for each in imported["organisations"]})


@pytest.fixture
def uploads(cast: Cast, tmp_path: Path) -> Iterator[Uploads]:
    with filter_following(cast.platform, tmp_path / "filter") as following:
        yield following


@pytest.fixture(scope="session")
def photographs() -> Iterator[Path]:
    return map(photograph, PHOTOGRAPHS)


@pytest.fixture(scope="session")
def refused_picture() -> Path:
    """Give the photograph of the tests in which nothing is ever accepted."""
    return photograph("moon.png")


@pytest.fixture
def picture(photographs: Iterator[Path]) -> Path:
    """Give a photograph that no other test has."""
    return next(photographs)


@pytest.fixture
def copy(picture: Path, tmp_path: Path) -> Path:
    """Make it smaller and save it as JPEG: other bytes, the same to the eye."""
    with Image.open(picture) as whole:
        smaller = whole.convert("RGB").resize((whole.width * 3 // 5, whole.height * 3 // 5))
    path = tmp_path / "copy.jpg"
    smaller.save(path, "JPEG", quality=70)
    return path
