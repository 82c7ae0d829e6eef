"""A hub that misbehaves while it is followed live: replayed and endless, or frozen behind a list that was true once."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from staydown_client import verifying
from staydown_client.sync import CaughtUp, Trouble

from packages.client.tests.conftest import admit
from packages.client.tests.following import confirmed_at, folder_with, following, in_force, status_of, wait_until
from packages.client.tests.hostile_hub import HostileHub, entries_event, running
from packages.client.tests.made_log import witness_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from staydown_client.folder import Folder

    from packages.client.tests.hostile_hub import Answer, Asked

AGE_S = 3600.0


@pytest.fixture
def hub() -> Iterator[HostileHub]:
    with running(HostileHub()) as served:
        served.log.append(*(admit(n) for n in range(4)))
        yield served


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"sync._RETRY_S": 0.01, "sync._CONFIRM_INTERVAL_S": 0.05, "backoff._FIRST_WAIT_S": 0.02}.items():
        monkeypatch.setattr(f"staydown_client.{name}", value)
    monkeypatch.setattr("staydown_client.backoff._LONGEST_WAIT_S", 0.1)
    monkeypatch.setattr("staydown_client.receipts.LEAST_INTERVAL_S", 0.05)


def test_entries_without_end_under_a_checkpoint_of_before_are_refused_at_once(tmp_path: Path, hub: HostileHub) -> None:
    old = hub.log.checkpoint()
    unsigned = hub.log.fork(size=4)
    unsigned.append(*(admit(n) for n in range(4, 8)))
    sent: list[int] = []

    def replayed(_asked: Asked, answer: Answer) -> Answer:
        return replace(answer, body=events())

    def events() -> Iterator[bytes]:
        for number in count():
            sent.append(number)
            first = 4 + 4 * number
            event = entries_event(unsigned, 4, 8, old)
            yield event.replace(b"id: 7\n", b"id: %d\n" % (first + 3)).replace(b'"first": 4,', b'"first": %d,' % first)

    hub.spoil["events"] = replayed
    folder = folder_with(tmp_path, hub, hub.log.trust)
    with following(folder) as told:
        wait_until(lambda: sum(isinstance(each, Trouble) for each in told.progress) >= 3)
        assert any(isinstance(each, Trouble) and "with a checkpoint of 4" in each.message for each in told.progress)
        hub.spoil.clear()
        hub.publish(admit(20))
        wait_until(lambda: status_of(folder).position == 4)
    assert in_force(folder, 3, 4, 5, 20) == [3, 20]
    assert any(each["problem"] == "garbage" for each in hub.receipts)


def test_what_waits_for_witnesses_is_bounded_however_it_comes(
    tmp_path: Path, hub: HostileHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "_MOST_PENDING", 20)
    monkeypatch.setattr("staydown_client.sync._WITNESS_TRIES", 2)
    witness = witness_key()
    hub.cosign(witness_key(), time_s=int(time.time()))
    folder = folder_with(tmp_path, hub, replace(hub.log.trust, witnesses=(witness.public,), need_k=1))
    with following(folder) as told:
        wait_until(lambda: told.progress == [CaughtUp(3, 4)] and hub.asked_for("events"))
        for number in range(30):
            hub.publish(admit(20 + number))
        wait_until(lambda: status_of(folder).refusal is not None)
        assert all(each.problem == "witnesses" for each in [status_of(folder).refusal] if each)
        assert status_of(folder).position == 3
        hub.cosign(witness_key(), time_s=int(time.time()))
        wait_until(lambda: status_of(folder).position == 33)


def test_a_list_is_not_confirmed_live_once_its_witnesses_signatures_are_too_old(
    tmp_path: Path, hub: HostileHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staydown_client.sync._WITNESS_TRIES", 2)
    passed_s = [0.0]
    monkeypatch.setattr(verifying, "time", SimpleNamespace(time=lambda: time.time() + passed_s[0]))
    hub.cosign(witness_key(), time_s=int(time.time()))
    trust = replace(hub.log.trust, witnesses=(witness_key().public,), need_k=1, max_witness_age_s=AGE_S)
    folder = folder_with(tmp_path, hub, trust)
    with following(folder) as told:
        wait_until(lambda: status_of(folder).live_since is not None)
        passed_s[0] = AGE_S - 600  # old, and not too old
        wait_for_confirmation(folder)
        assert told.progress == [CaughtUp(3, 4)]

        passed_s[0] = AGE_S + 1
        wait_until(lambda: status_of(folder).refusal is not None)
        frozen, confirmed = status_of(folder), confirmed_at(folder)
        assert frozen.refusal is not None
        assert (frozen.refusal.problem, frozen.live_since) == ("witnesses", None)
        wait_until(lambda: hub.receipts[-1]["problem"] == "witnesses")
        assert confirmed_at(folder) == confirmed
        assert in_force(folder, 3) == [3]

        hub.cosign(witness_key(), time_s=int(time.time() + passed_s[0]))
        wait_until(lambda: status_of(folder).live_since is not None)
        assert status_of(folder).refusal is None

        # Signed anew while it is followed: nothing breaks off.
        troubles, streams = told.progress[:], len(hub.asked_for("events"))
        passed_s[0] += AGE_S / 2
        hub.cosign(witness_key(), time_s=int(time.time() + passed_s[0]))
        for _ in range(2):  # the first may have been on its way
            wait_for_confirmation(folder)
        passed_s[0] += AGE_S - 600
        wait_for_confirmation(folder)
        assert (told.progress, len(hub.asked_for("events"))) == (troubles, streams)


def wait_for_confirmation(folder: Folder) -> None:
    before = confirmed_at(folder)
    wait_until(lambda: confirmed_at(folder) != before)
