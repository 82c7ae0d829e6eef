"""The demo tells the whole story on real parts, and its figures are what they should be."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the demo a folder of its own: somebody may have one open in the repository's."""
    return tmp_path_factory.mktemp("demo") / "demo"


@pytest.fixture(scope="module")
def played(home: Path) -> tuple[dict[str, object], str]:
    done = subprocess.run(
        [ROOT / "staydown", "demo", "--once", "--json"],
        env={**os.environ, "STAYDOWN_DEMO_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
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


def test_nothing_is_left_behind(played: tuple[dict[str, object], str], home: Path) -> None:
    del played
    assert not home.exists()
    assert _processes_of(home) == []


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_ended_while_the_hub_starts_it_leaves_no_process(tmp_path: Path, sent: signal.Signals, status: int) -> None:
    home = tmp_path / "demo"
    process = subprocess.Popen(
        [ROOT / "staydown", "demo"],
        env={**os.environ, "STAYDOWN_DEMO_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _until((home / "hub" / "postgres").exists)
    process.send_signal(sent)
    assert process.wait(timeout=60) == status
    _until(lambda: _processes_of(home) == [])
    assert home.exists() is (sent == signal.SIGKILL), "what was killed is cleared by the next demo in that folder"


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _processes_of(home: Path) -> list[str]:
    """Return what runs with this folder in its arguments or its environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            about = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:  # it ended meanwhile, or is another user's
            continue
        if os.fsencode(home) in about and process.name != str(os.getpid()):
            found.append(about.partition(b"\0")[0].decode())
    return found
