"""Syncing with a hub that keeps the contract: in pages, then live, and through its absences."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
from staydown_client.backoff import Backoff
from staydown_client.errors import FolderBusyError, HubRefusedError, HubUnavailableError
from staydown_client.filter import Filter
from staydown_client.folder import make_folder
from staydown_client.lock import held
from staydown_client.store_writer import StoreWriter
from staydown_client.sync import Applied, CaughtUp, Trouble, opened
from staydown_client.view import ListView

from packages.client.tests.conftest import (
    KEY,
    KEY_TEXT,
    LIST,
    Body,
    Handler,
    LoopbackHub,
    Told,
    admit,
    amend,
    exact,
    item_id,
    near,
    photograph,
    withdraw,
)
from packages.client.tests.hostile_hub import BUNDLE, FEED
from packages.client.tests.made_log import MadeLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from staydown_client.folder import Folder

TAIL = f"/feed/v1/lists/{LIST}/tail"
EVENTS = f"/feed/v1/lists/{LIST}/events"


def catch_up(folder: Folder) -> list[object]:
    told = Told()
    with opened(folder) as syncing:
        syncing.catch_up(told)
    return told.progress


@contextmanager
def following(folder: Folder) -> Iterator[Told]:
    told = Told()
    with opened(folder) as syncing:
        thread = threading.Thread(target=syncing.follow, args=(told,))
        thread.start()
        yield told
        syncing.stop()
        thread.join(timeout=20)
        assert not thread.is_alive()


def wait_until(condition: Callable[[], object], *, timeout_s: float = 15) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def position_of(folder: Folder) -> int:
    with StoreWriter(folder.store_path, list_name=LIST) as store:
        return store.position


def test_an_empty_list_counts_as_received(folder: Folder) -> None:
    assert catch_up(folder) == [CaughtUp(position=-1, applied=0)]


def test_everything_is_received_in_bundles_and_then_only_what_is_new(folder: Folder, hub: LoopbackHub) -> None:
    hub.publish(*(admit(n) for n in range(BUNDLE + 5)))
    assert catch_up(folder) == [CaughtUp(position=BUNDLE + 4, applied=BUNDLE + 5)]
    hub.publish(amend(3), withdraw(4))
    assert catch_up(folder) == [CaughtUp(position=BUNDLE + 6, applied=2)]
    asked = [path.removeprefix(FEED) for path in hub.paths() if path.startswith((f"{FEED}bundle", TAIL))]
    assert asked == ["bundle/000", *(f"tail?after={after}&limit={BUNDLE}" for after in (BUNDLE - 1, BUNDLE + 4))]
    assert not (folder.path / "incoming").exists()


def test_a_first_sync_that_breaks_off_takes_no_force_and_fetches_no_bundle_twice(
    folder: Folder, hub: LoopbackHub
) -> None:
    hub.publish(*(admit(n) for n in range(BUNDLE + 5)))
    hub.answers[TAIL] = lambda handler: handler.answer({}, status=503)
    with pytest.raises(HubUnavailableError):
        catch_up(folder)
    assert position_of(folder) == -1
    with Filter.open(folder.path) as opened_filter:
        assert opened_filter.check(photograph("coffee.png")).action == "unchecked"
    del hub.answers[TAIL]
    assert catch_up(folder) == [CaughtUp(position=BUNDLE + 4, applied=BUNDLE + 5)]
    assert len([path for path in hub.paths() if path.startswith(f"{FEED}bundle")]) == 1


def test_a_bundle_that_was_damaged_on_the_disk_is_fetched_again(folder: Folder, hub: LoopbackHub) -> None:
    hub.publish(*(admit(n) for n in range(BUNDLE + 5)))
    hub.answers[TAIL] = lambda handler: handler.answer({}, status=503)
    with pytest.raises(HubUnavailableError):
        catch_up(folder)
    [kept] = (folder.path / "incoming").iterdir()
    data = bytearray(kept.read_bytes())
    data[5000] ^= 1
    kept.write_bytes(data)
    del hub.answers[TAIL]
    assert catch_up(folder) == [CaughtUp(position=BUNDLE + 4, applied=BUNDLE + 5)]
    assert len([path for path in hub.paths() if path.startswith(f"{FEED}bundle")]) == 2


def test_a_large_first_sync_goes_into_a_base_which_later_entries_change(
    folder: Folder, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staydown_client.verifying.BASE_FROM", 100)
    hub.publish(
        *(admit(n, exact(f"{n:064x}"), near(f"{n * 2654435761:064x}")) for n in range(150)),
        withdraw(7),
        amend(8, exact("ab" * 32)),
        withdraw(9),
        admit(9),
    )
    assert catch_up(folder) == [CaughtUp(position=153, applied=154)]
    assert len(list(folder.path.glob("base-154-*"))) == 1
    digests = [*(f"{n:064x}" for n in range(150)), "ab" * 32, "cd" * 32]
    wanted = dict(enumerate(range(150))) | {150: 8, 9: 153}
    del wanted[7], wanted[8]
    view = ListView(folder.store_path, list_name=LIST)
    assert found(view, digests) == wanted
    hub.publish(withdraw(1), amend(2, exact("cd" * 32)), admit(7), redaction(9, 9, 153))
    hub.log.drop(9, 153)
    assert catch_up(folder) == [CaughtUp(position=157, applied=4)]
    del wanted[1], wanted[2], wanted[9]
    wanted |= {151: 2, 7: 156}
    assert found(view, digests) == wanted
    view.close()


def test_a_list_with_redactions_of_every_kind_is_received_from_the_start(
    folder: Folder, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = [
        admit(1),
        amend(1, exact("ab" * 32)),
        admit(2),
        withdraw(2),
        redaction(1, 0, 1),
        admit(1),
        redaction(2, 2),
    ]
    for base_from in (1, 1000):
        hub.log = MadeLog()
        hub.publish(*bodies)
        hub.log.drop(0, 1, 2)
        monkeypatch.setattr("staydown_client.verifying.BASE_FROM", base_from)
        place = folder.path.with_name(f"from-{base_from}")
        other = make_folder(place, settings=folder.settings, key=KEY)
        assert catch_up(other) == [CaughtUp(position=6, applied=7)]
        view = ListView(other.store_path, list_name=LIST)
        assert found(view, [f"{1:064x}", f"{2:064x}", "ab" * 32]) == {0: 5}
        view.close()


def found(view: ListView, digests: list[str]) -> dict[int, int]:
    looked = view.look_up([("sha256", bytes.fromhex(each)) for each in digests], np.zeros((0, 32), np.uint8))
    return {row: hit.position for row, hit in looked.exact_hits}


def redaction(item: int, *positions: int) -> Body:
    at = "2026-01-02T03:04:05.678901Z"
    return {"operation": "redact", "item": item_id(item), "positions": list(positions), "at": at}


def test_entries_arrive_live(folder: Folder, hub: LoopbackHub) -> None:
    with following(folder) as told:
        wait_until(lambda: any(path.startswith(EVENTS) for path in hub.paths()))
        hub.publish(admit(1))
        wait_until(lambda: Applied(0, "admit") in told.progress)
        hub.publish(amend(1), withdraw(1))
        wait_until(lambda: Applied(2, "withdraw") in told.progress)
    assert told.progress == [CaughtUp(-1, 0), Applied(0, "admit"), Applied(1, "amend"), Applied(2, "withdraw")]


def test_the_events_are_asked_for_after_the_last_position(folder: Folder, hub: LoopbackHub) -> None:
    hub.publish(admit(1), admit(2))
    with following(folder):
        wait_until(lambda: any(path.startswith(EVENTS) for path in hub.paths()))
    asked = next(request for request in hub.requests if request.path.startswith(EVENTS))
    assert asked.path == f"{EVENTS}?after=1"
    assert asked.headers["Last-Event-ID"] == "1"
    assert asked.headers["Authorization"] == f"Bearer {KEY_TEXT}"


def test_a_broken_connection_is_mended_and_nothing_is_missed(
    folder: Folder, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staydown_client.backoff._FIRST_WAIT_S", 0.02)

    def break_off(handler: Handler) -> None:
        handler.begin_chunks("text/event-stream")
        handler.chunk(b": alive\n\n")
        hub.publish(admit(hub.log.size))
        handler.close_connection = True

    hub.answers[EVENTS] = break_off
    with following(folder) as told:
        wait_until(lambda: sum(isinstance(each, Trouble) for each in told.progress) >= 3)
        del hub.answers[EVENTS]
        wait_until(lambda: CaughtUp(hub.log.size - 1, 1) in told.progress)
        hub.publish(admit(99))
        wait_until(lambda: Applied(hub.log.size - 1, "admit") in told.progress)
    assert position_of(folder) == hub.log.size - 1
    # Each time something had arrived, so the waits began anew.
    assert all(each.retry_in_s <= 0.02 for each in told.progress if isinstance(each, Trouble))


def test_while_the_hubs_pages_are_away_the_remembered_feed_serves(folder: Folder, hub: LoopbackHub) -> None:
    catch_up(folder)
    hub.publish(admit(1))
    hub.answers["/api/v1/me"] = lambda handler: handler.answer({}, status=503)
    assert catch_up(folder) == [CaughtUp(position=0, applied=1)]


def test_a_hub_that_was_never_reached_is_named(folder: Folder, hub: LoopbackHub) -> None:
    hub.shutdown()
    hub.server_close()
    with pytest.raises(HubUnavailableError, match=rf"{hub.url} cannot be reached"):
        catch_up(folder)


def test_a_wrong_key_is_refused_at_once_even_when_following(folder: Folder) -> None:
    (folder.path / "key").write_text("sdk_zzzzzzzz_0123456789abcdefghij")
    with opened(folder) as syncing, pytest.raises(HubRefusedError, match="Unknown key") as caught:
        syncing.follow(Told())
    assert caught.value.status == 401
    assert "sdk_" not in str(caught.value)


def test_a_key_revoked_later_does_not_end_the_following(
    folder: Folder, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staydown_client.backoff._FIRST_WAIT_S", 0.02)
    revoked = {"error": "unauthorised", "message": "The key was revoked.", "fields": []}
    hub.answers[EVENTS] = lambda handler: handler.answer(revoked, status=401)
    with following(folder) as told:
        wait_until(lambda: any(isinstance(each, Trouble) and "revoked" in each.message for each in told.progress))
        del hub.answers[EVENTS]
        hub.publish(admit(1))
        wait_until(lambda: position_of(folder) == 0)


def test_a_second_sync_is_refused_with_the_first_ones_process(folder: Folder) -> None:
    code = (
        "import sys, pathlib\nfrom staydown_client.lock import held\n"
        "with held(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder.lock_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(FolderBusyError, match=rf"process {other.pid}"), opened(folder):
            pytest.fail("two syncs on one folder")
        other.kill()
    with held(folder.lock_path):
        assert catch_up_is_refused(folder)
    catch_up(folder)


def catch_up_is_refused(folder: Folder) -> bool:
    try:
        catch_up(folder)
    except FolderBusyError:
        return True
    return False


def test_waits_double_up_to_a_minute_are_spread_and_begin_anew() -> None:
    backoff = Backoff()
    waits = [backoff.next_s() for _ in range(12)]
    bounds = [min(0.5 * 2**n, 60.0) for n in range(12)]
    assert all(bound / 4 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))
    assert len(set(waits)) == len(waits)
    backoff.reset()
    assert backoff.next_s() <= 0.5
