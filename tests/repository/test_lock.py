"""The committed lock installs anywhere: a hash for every version, no download address, nothing missing."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
_NAME = re.compile(r"^([A-Za-z0-9._-]+)==")


def _locked(lock: Path) -> set[str]:
    return {match[1].lower() for line in lock.read_text().splitlines() if (match := _NAME.match(line))}


def test_every_distribution_and_group_has_its_lock() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    assert {lock.stem for lock in LOCKS} == {"match", "client", "hub", *groups}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_lock_pins_by_hash_and_names_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    for requirement in re.split(r"\n(?=\S)", text.strip()):
        assert _NAME.match(requirement), requirement
        assert "--hash=sha256:" in requirement, requirement


@pytest.mark.parametrize("name", ["match", "client", "hub"])
def test_lock_holds_what_the_distribution_asks_for(name: str) -> None:
    project = tomllib.loads((ROOT / "packages" / name / "pyproject.toml").read_text())["project"]
    asked = {re.split(r"[\[<>=!~ ;]", dependency)[0].lower() for dependency in project["dependencies"]}
    assert asked - _locked(ROOT / "requirements" / f"{name}.txt") - {"staydown-match"} == set()
