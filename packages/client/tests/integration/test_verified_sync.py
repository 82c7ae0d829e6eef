"""Only what was verified takes force: a hub that forks, shrinks, forges or hides is refused, and the filter goes on."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import zstandard
from staydown_client.folder import open_folder
from staydown_client.log.notes import cosignature_line, parse_note
from staydown_client.log.trust import Trust
from staydown_client.sync import Applied, CaughtUp, Trouble

from packages.client.tests import mischief
from packages.client.tests.conftest import admit, amend, item_id, withdraw
from packages.client.tests.following import catch_up, folder_with, following, in_force, refused, status_of, wait_until
from packages.client.tests.hostile_hub import BUNDLE, HostileHub, as_json, running
from packages.client.tests.made_log import LogKey, MadeLog, canonical, record, witness_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from staydown_client.folder import Folder

    from packages.client.tests.hostile_hub import Answer, Asked


@pytest.fixture
def hub() -> Iterator[HostileHub]:
    with running(HostileHub(MadeLog())) as served:
        served.publish(*(admit(n) for n in range(4)))
        yield served


@pytest.fixture
def folder(tmp_path: Path, hub: HostileHub) -> Folder:
    return folder_with(tmp_path, hub, hub.log.trust)


def forked(hub: HostileHub) -> None:
    other = hub.log.fork(size=2)
    other.append(*(admit(n) for n in range(20, 24)))
    hub.show(other)


def forked_at_the_same_size(hub: HostileHub) -> None:
    other = hub.log.fork(size=3)
    other.append(admit(20))
    hub.show(other)


def shrunk(hub: HostileHub) -> None:
    hub.held_at = 3


def signed_by_another(hub: HostileHub) -> None:
    hub.log.append(admit(20))
    hub.log.keys = [LogKey(seed=9)]


def forged_record(hub: HostileHub) -> None:
    hub.log.append(admit(20))
    hub.log.records[-1] = record(canonical(admit(21)), salt=bytes(32))


def hidden(hub: HostileHub) -> None:
    hub.log.append(admit(20), admit(21))
    hub.log.drop(4)


def hidden_as_another(hub: HostileHub) -> None:
    hub.log.append(admit(20), admit(21))
    hub.log.redact(item_id(20), 4)
    hub.log.drop(5)


def operation_that_does_not_fit(hub: HostileHub) -> None:
    hub.log.append(admit(20), withdraw(33))


def garbled(hub: HostileHub) -> None:
    hub.log.append(admit(20))
    hub.spoil["checkpoint"] = lambda _asked, answer: replace(answer, body=b"no note")


def tail_of_another_place(hub: HostileHub) -> None:
    hub.log.append(admit(20))
    hub.spoil["tail"] = lambda _asked, answer: replace(answer, body=hub.log.bundle(0, 5))


def empty_tail(hub: HostileHub) -> None:
    hub.log.append(admit(20))
    hub.spoil["tail"] = lambda _asked, answer: replace(answer, body=hub.log.bundle(4, 0))


MISCHIEFS: list[tuple[Callable[[HostileHub], None], str]] = [
    (forked, "fork"),
    (forked_at_the_same_size, "fork"),
    (forged_record, "garbage"),
    (shrunk, "shrunk"),
    (signed_by_another, "signature"),
    (hidden, "redaction"),
    (hidden_as_another, "redaction"),
    (operation_that_does_not_fit, "garbage"),
    (garbled, "garbage"),
    (tail_of_another_place, "garbage"),
    (empty_tail, "garbage"),
]


@pytest.mark.parametrize(("spoil", "problem"), MISCHIEFS, ids=[each.__name__ for each, _ in MISCHIEFS])
def test_what_is_not_the_signed_list_is_refused_told_and_the_last_good_list_stays(
    spoil: Callable[[HostileHub], None], problem: str, folder: Folder, hub: HostileHub
) -> None:
    assert catch_up(folder) == [CaughtUp(3, 4)]
    good, note = hub.log, hub.log.checkpoint()
    spoil(hub)
    assert refused(folder).problem == problem
    error = refused(folder)
    assert error.problem == problem
    assert "stays in force" in str(error) or problem == "garbage"
    status = status_of(folder)
    assert (status.position, status.items) == (3, 4)
    assert status.refusal is not None
    assert (status.refusal.problem, status.refusal.message) == (problem, str(error))
    assert in_force(folder, 0, 1, 2, 3, 20, 21, 22, 23) == [0, 1, 2, 3]
    assert {(each["state"], each["problem"], each["position"]) for each in hub.receipts[1:]} == {
        ("refused", problem, 3)
    }
    [evidence] = (folder.path / "evidence").iterdir()
    assert note in evidence.read_text()
    assert evidence.stat().st_mode & 0o777 == 0o600

    hub.spoil.clear()
    hub.held_at = None
    hub.show(good.fork(size=4, branch=0))
    hub.log.keys = [LogKey()]
    hub.publish(admit(50))
    assert catch_up(folder) == [CaughtUp(4, 1)]
    assert status_of(folder).refusal is None
    assert hub.receipts[-1]["state"] == "behind"


def test_a_first_sync_believes_nothing_of_a_list_that_another_key_signed(tmp_path: Path, hub: HostileHub) -> None:
    folder = folder_with(tmp_path, hub, Trust(hub.log.origin, (LogKey(seed=3).public,)))
    assert refused(folder).problem == "signature"
    assert status_of(folder).position == -1
    assert not in_force(folder, 0, 1, 2, 3)


@pytest.mark.parametrize("base_from", [1, 1_000_000])
def test_a_large_first_sync_that_is_forged_in_one_record_takes_no_force(
    folder: Folder, hub: HostileHub, monkeypatch: pytest.MonkeyPatch, base_from: int
) -> None:
    monkeypatch.setattr("staydown_client.verifying.BASE_FROM", base_from)
    hub.compress = ("zstd", zstandard.ZstdCompressor().compress)
    hub.publish(*(admit(n) for n in range(4, BUNDLE + 3)))
    forged = hub.log.bundle(0, BUNDLE).replace(f"{77:064x}".encode(), b"ee" * 32)
    hub.spoil["bundle"] = lambda _asked, answer: replace(answer, body=zstandard.ZstdCompressor().compress(forged))
    assert refused(folder).problem == "garbage"
    assert status_of(folder).position == -1
    del hub.spoil["bundle"]
    assert catch_up(folder) == [CaughtUp(BUNDLE + 2, BUNDLE + 3)]
    assert in_force(folder, 5, BUNDLE + 2) == [5, BUNDLE + 2]


def test_a_forged_event_is_refused_live_and_the_right_ones_are_followed_after_it(
    folder: Folder, hub: HostileHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staydown_client.backoff._FIRST_WAIT_S", 0.02)
    with following(folder) as told:
        wait_until(lambda: hub.asked_for("events"))
        hub.spoil_event = lambda sent: sent.replace(b"A1", b"B2")
        hub.publish(admit(20))
        wait_until(lambda: any(isinstance(each, Trouble) for each in told.progress))
        hub.spoil_event = bytes
        wait_until(lambda: CaughtUp(4, 1) in told.progress)
        hub.publish(amend(20), withdraw(20))
        wait_until(lambda: Applied(6, "withdraw") in told.progress)
    assert any(each["problem"] == "garbage" for each in hub.receipts)
    assert in_force(folder, 3, 20) == [3]


def test_a_new_key_is_taken_over_with_an_endorsement_by_the_old_one_and_remembered(
    folder: Folder, hub: HostileHub
) -> None:
    catch_up(folder)
    old, new, newer = LogKey(), LogKey(seed=2), LogKey(seed=3)
    hub.publish(admit(20))
    hub.log.keys = [new]
    assert refused(folder).problem == "signature"
    hub.endorsements[new.public.vkey] = LogKey(seed=7).endorse(new.public)
    assert refused(folder).problem == "signature"
    hub.endorsements[new.public.vkey] = old.endorse(new.public)
    assert catch_up(folder) == [CaughtUp(4, 1)]
    hub.endorsements.clear()
    hub.publish(admit(21))
    assert catch_up(folder) == [CaughtUp(5, 1)]
    hub.publish(admit(22))
    hub.log.keys = [newer]
    hub.endorsements[newer.public.vkey] = new.endorse(newer.public)
    assert catch_up(folder) == [CaughtUp(6, 1)]


def test_a_filter_that_was_away_until_no_endorsing_key_was_left_is_told_to_pin_the_new_one_and_goes_on(
    folder: Folder, hub: HostileHub
) -> None:
    catch_up(folder)
    new = LogKey(seed=4)
    hub.log.keys = [new]
    hub.endorsements[new.public.vkey] = LogKey(seed=3).endorse(new.public)  # by one that came and went meanwhile
    hub.publish(admit(20))
    error = refused(folder)
    assert error.problem == "signature"
    for words in ("stays in force", "operator", "by another way than the hub", "keys under [log]", "start again"):
        assert words in str(error)
    assert status_of(folder).position == 3

    settings = folder.settings_path.read_text()
    assert settings.count(LogKey().public.vkey) == 1
    folder.settings_path.write_text(settings.replace(LogKey().public.vkey, new.public.vkey))
    assert catch_up(open_folder(folder.path)) == [CaughtUp(4, 1)]
    assert status_of(folder).refusal is None
    hub.show(hub.log.fork(size=2))
    hub.log.keys = [new]
    hub.publish(*(admit(n) for n in range(30, 36)))
    # The key is new; what it signs is held against what was verified all the same.
    assert refused(open_folder(folder.path)).problem == "fork"
    assert status_of(folder).position == 4


def test_a_list_longer_than_the_filter_takes_is_refused_before_it_is_fetched(tmp_path: Path, hub: HostileHub) -> None:
    folder = folder_with(tmp_path, hub, hub.log.trust, max_entries=5)
    with following(folder) as told:
        wait_until(lambda: hub.asked_for("events"))
        hub.publish(admit(20))
        wait_until(lambda: status_of(folder).position == 4)
        hub.publish(admit(21))
        wait_until(lambda: any(isinstance(each, Trouble) and "max_entries" in each.message for each in told.progress))
    asked = len(hub.asked_for("tail"))
    assert "max_entries" in str(refused(folder))
    assert (len(hub.asked_for("tail")), status_of(folder).position) == (asked, 4)
    settings = folder.settings_path.read_text()
    folder.settings_path.write_text(settings.replace("max_entries = 5 ", "max_entries = 6 "))
    assert catch_up(open_folder(folder.path)) == [CaughtUp(5, 1)]


def test_a_list_is_believed_once_enough_witnesses_signed_it(
    tmp_path: Path, hub: HostileHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staydown_client.sync._WITNESS_TRIES", 2)
    monkeypatch.setattr("staydown_client.sync._RETRY_S", 0.01)
    witnesses = [witness_key(1), witness_key(2)]
    hub.witnesses = [each.public for each in witnesses]
    folder = folder_with(
        tmp_path, hub, Trust(hub.log.origin, hub.log.trust.keys, tuple(hub.witnesses), need_k=2, max_witness_age_s=600)
    )
    now_s = int(time.time())

    def cosign(*signers: int, time_s: int) -> None:
        body = parse_note(hub.log.checkpoint()).body
        with hub.news:
            for number in signers:
                key = witnesses[number]
                hub.cosignatures[body, key.public.name] = cosignature_line(body, key, time_s=time_s)
            hub.news.notify_all()

    assert refused(folder).problem == "witnesses"
    cosign(0, time_s=now_s)
    assert refused(folder).problem == "witnesses"
    cosign(1, time_s=now_s - 3600)
    assert refused(folder).problem == "witnesses"
    assert not in_force(folder, 0)
    cosign(1, time_s=now_s)
    with following(folder) as told:
        wait_until(lambda: told.progress == [CaughtUp(3, 4)])
        wait_until(lambda: hub.asked_for("events"))
        hub.publish(admit(20))
        hub.publish(admit(21))
        time.sleep(0.5)
        assert not in_force(folder, 20, 21)
        cosign(0, 1, time_s=now_s)
        wait_until(lambda: Applied(5, "admit") in told.progress)
    assert in_force(folder, 20, 21) == [20, 21]


def test_a_redaction_made_while_the_list_is_fetched_is_asked_for_again(folder: Folder, hub: HostileHub) -> None:
    hub.publish(admit(20))
    old = hub.note()
    hub.log.redact(item_id(20), 4)
    hub.spoil["checkpoint"] = mischief.in_turn(lambda _asked, answer: replace(answer, body=old.encode()), None)
    assert catch_up(folder) == [CaughtUp(5, 6)]
    assert not in_force(folder, 20)


def test_receipts_say_how_far_the_filter_is_and_since_when(
    folder: Folder, hub: HostileHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staydown_client.receipts.LEAST_INTERVAL_S", 0.05)
    catch_up(folder)
    with following(folder):
        wait_until(lambda: any(each["state"] == "live" for each in hub.receipts))
        assert status_of(folder).live_since is not None
        hub.publish(admit(20))
        wait_until(lambda: any(each["position"] == 4 for each in hub.receipts))
    assert status_of(folder).live_since is None
    assert {each["filter"] for each in hub.receipts} == {folder.filter_id()}
    live = [each for each in hub.receipts if each["state"] == "live"]
    assert all(each["live_since"].endswith("Z") and each["problem"] is None for each in live)
    assert (hub.receipts[0]["state"], hub.receipts[0]["live_since"]) == ("behind", None)
    assert hub.receipts[-1]["state"] == "behind"


def test_the_last_receipt_is_sent_although_another_is_still_on_its_way(
    folder: Folder, hub: HostileHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staydown_client.receipts.LEAST_INTERVAL_S", 0.01)
    sending = threading.Event()

    def slowly(asked: Asked, answer: Answer) -> Answer:
        if b'"live"' in asked.body:
            sending.set()
            time.sleep(0.2)
        return answer

    hub.spoil["receipts"] = slowly
    with following(folder):
        assert sending.wait(20)
    assert hub.receipts[-1]["state"] == "behind"


def test_a_hub_that_takes_no_receipts_is_followed_all_the_same(folder: Folder, hub: HostileHub) -> None:
    hub.spoil["receipts"] = lambda _asked, _answer: as_json({"error": "x", "message": "no", "fields": []}, status=500)
    assert catch_up(folder) == [CaughtUp(3, 4)]
    with following(folder) as told:
        hub.publish(admit(20))
        wait_until(lambda: any(getattr(each, "position", 0) == 4 for each in told.progress))
