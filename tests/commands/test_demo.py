"""The demo tells the whole story on real parts, and its figures are what they should be."""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def played() -> tuple[dict[str, object], str]:
    done = subprocess.run(
        [ROOT / "staydown", "demo", "--once", "--json"], capture_output=True, text=True, check=False, timeout=170
    )
    assert done.returncode == 0, done.stderr
    figures: dict[str, object] = json.loads(done.stdout)
    return figures, done.stderr


def test_every_copy_is_refused(played: tuple[dict[str, object], str]) -> None:
    figures, _ = played
    assert isinstance(figures["copies"], int)
    assert figures["copies"] >= 8
    assert figures["blocked_copies"] == figures["copies"]


def test_everything_unrelated_passes(played: tuple[dict[str, object], str]) -> None:
    figures, _ = played
    assert isinstance(figures["unrelated"], int)
    assert figures["unrelated"] >= 20
    assert figures["allowed_unrelated"] == figures["unrelated"]


def test_what_was_seen_is_removed_and_seen_to_be_gone(played: tuple[dict[str, object], str]) -> None:
    figures, _ = played
    assert isinstance(figures["notices"], int)
    assert figures["notices"] >= 1
    assert figures["removed"] == figures["notices"]


def test_nothing_went_otherwise_and_the_audit_log_verifies(played: tuple[dict[str, object], str]) -> None:
    figures, told = played
    assert figures["problems"] == []
    assert "audit log:" in told
    assert "NOT SO" not in told


def test_no_server_is_left_behind(played: tuple[dict[str, object], str]) -> None:
    del played
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(ROOT / ".staydown" / "demo") not in running
