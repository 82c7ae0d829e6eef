"""The wall clock is set a day on and a day back while the list is followed: it stays young, and goes on."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from staydown_client.filter import Filter

from packages.client.tests.conftest import admit, flat_picture
from packages.client.tests.following import confirmed_at, folder_with, in_force, state_of, status_of, wait_until
from packages.client.tests.hostile_hub import HostileHub, running
from packages.client.tests.made_log import witness_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from staydown_client.folder import Folder

DAY_S = 86_400
_SHIFTED = """
import sys, time
from pathlib import Path
shift, truly = Path(sys.argv[1]), time.time
time.time = lambda: truly() + float(shift.read_text() or 0)
from staydown_client import sync
from staydown_client.cli.main import main
sync._CONFIRM_INTERVAL_S = 0.1
sys.exit(main(sys.argv[2:]))
"""


class Clock:
    """The wall clock of one process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set(by_s=0)

    def set(self, *, by_s: float) -> None:
        draft = self.path.with_suffix(".new")
        draft.write_text(str(by_s))
        draft.replace(self.path)


@contextmanager
def followed(folder: Folder, clock: Clock) -> Iterator[None]:
    words = [str(clock.path), "filter", "sync", "--follow", str(folder.path)]
    with subprocess.Popen(
        [sys.executable, "-c", _SHIFTED, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        try:
            yield
        finally:
            process.terminate()
            _, said = process.communicate()
    assert b"Traceback" not in said


@pytest.fixture
def hub() -> Iterator[HostileHub]:
    with running(HostileHub()) as served:
        served.log.append(admit(0))
        yield served


def wait_until_at(folder: Folder, position: int) -> None:
    wait_until(lambda: status_of(folder).position == position)


def wait_for_confirmation(folder: Folder) -> None:
    before = confirmed_at(folder)
    wait_until(lambda: confirmed_at(folder) != before)


def test_a_clock_that_is_set_while_the_list_is_followed_changes_nothing(tmp_path: Path, hub: HostileHub) -> None:
    folder = folder_with(tmp_path, hub, hub.log.trust)
    text = folder.settings_path.read_text().replace("# max_list_age_s = 86400", "max_list_age_s = 3600")
    folder.settings_path.write_text(text.replace('featureless = "unchecked"', 'featureless = "allow"'))
    clock = Clock(tmp_path / "shift")
    with followed(folder, clock), Filter.open(folder.path) as uploads:
        wait_until(lambda: state_of(folder).live_since_s is not None)
        live_since_s = state_of(folder).live_since_s
        for number, by_s in enumerate((DAY_S, -DAY_S, 0), start=1):
            clock.set(by_s=by_s)
            wait_for_confirmation(folder)
            hub.publish(admit(number))
            wait_until_at(folder, number)
            wait_for_confirmation(folder)
            verdict = uploads.check(flat_picture())
            assert (verdict.action, verdict.list_position) == ("allow", number)
            assert 0 <= (verdict.list_age_s or 0) < 600
            assert status_of(folder).refusal is None
            assert state_of(folder).live_since_s == live_since_s
    assert in_force(folder, 0, 1, 2, 3) == [0, 1, 2, 3]
    assert len(hub.asked_for("events")) == 1


def test_a_clock_a_day_ahead_finds_witnesses_signatures_too_old_until_it_is_set_right(
    tmp_path: Path, hub: HostileHub
) -> None:
    witness = witness_key()
    hub.cosign(witness, time_s=int(time.time()))
    trust = replace(hub.log.trust, witnesses=(witness.public,), need_k=1, max_witness_age_s=3600)
    folder = folder_with(tmp_path, hub, trust)
    clock = Clock(tmp_path / "shift")
    with followed(folder, clock):
        wait_until(lambda: state_of(folder).live_since_s is not None)
        clock.set(by_s=DAY_S)
        wait_until(lambda: status_of(folder).refusal is not None)
        refusal = status_of(folder).refusal
        assert refusal is not None
        assert refusal.problem == "witnesses"
        assert in_force(folder, 0) == [0]
        clock.set(by_s=0)
        wait_until(lambda: state_of(folder).live_since_s is not None)
    assert status_of(folder).refusal is None
