"""What waits is told to the hub at least once, and taken off only when the hub has it."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest
from staydown_client.errors import HubRefusedError, HubUnavailableError
from staydown_client.judge import Judge
from staydown_client.local import delivery
from staydown_client.local.delivery import Delivery, deliver_once
from staydown_client.verdict import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from staydown_client.folder import Folder

    from packages.client.tests.conftest import Body, Handler, LoopbackHub


class Desk:
    """Takes matches and disputes as the hub does: each match once, by its id."""

    def __init__(self, hub: LoopbackHub) -> None:
        self.hub = hub
        self.matches: dict[str, Body] = {}
        self.disputes: list[Body] = []
        self.calls = 0
        self.unwanted: set[int] = set()
        self.telling: set[str] = set()
        self.status: int | None = None
        self.taken = threading.Event()
        hub.answers["/api/v1/matches"] = self._take_matches
        hub.answers["/api/v1/disputes"] = self._take_dispute

    def _take_matches(self, handler: Handler) -> None:
        self.calls += 1
        found = json.loads(self.hub.requests[-1].body)["matches"]
        if self.status is not None:
            handler.answer({"error": "trouble", "message": "no", "fields": []}, status=self.status)
        elif any(match["position"] in self.unwanted or match.get("reference") in self.telling for match in found):
            handler.answer({"error": "invalid", "message": "no such entry", "fields": []}, status=422)
        else:
            self.matches.update((match["id"], match) for match in found)
            handler.answer({"accepted": len(found), "known": 0})
            self.taken.set()

    def _take_dispute(self, handler: Handler) -> None:
        body = json.loads(self.hub.requests[-1].body)
        if body["position"] in self.unwanted:
            handler.answer({"error": "not_found", "message": "no such entry", "fields": []}, status=422)
        else:
            self.disputes.append(body)
            handler.answer({"position": body["position"]}, status=201)


@pytest.fixture
def desk(hub: LoopbackHub) -> Desk:
    return Desk(hub)


@pytest.fixture
def judge(folder: Folder) -> Iterator[Judge]:
    opened = Judge(folder.settings_path)
    yield opened
    opened.close()


def match(judge: Judge, *positions: int, reference: str | None = None) -> None:
    for position in positions:
        verdict = Verdict("block", (Reason("national", position, ("A1",), "pdq", 7),), (), 9, 0.0)
        judge.record([(verdict, reference)])


def counts(judge: Judge) -> tuple[int, int, int]:
    found = judge.status().outbox
    assert found is not None
    return found.waiting, found.delivered, found.refused


def test_matches_are_delivered_in_batches_and_leave_the_disk(judge: Judge, folder: Folder, desk: Desk) -> None:
    verdicts = [Verdict("hold", (Reason("national", n, (), "md5", 0),), (), 9, 0.0) for n in range(1500)]
    judge.record([(verdict, "upload-1") for verdict in verdicts])
    deliver_once(folder)
    assert desk.calls == 2
    assert sorted(found["position"] for found in desk.matches.values()) == list(range(1500))
    one = next(iter(desk.matches.values()))
    assert one.keys() == {"id", "list", "position", "distance_bits", "algorithm", "at", "reference"}
    assert (one["list"], one["reference"]) == ("national", "upload-1")
    assert counts(judge) == (0, 1500, 0)


def test_a_hub_in_trouble_loses_nothing(judge: Judge, folder: Folder, desk: Desk) -> None:
    match(judge, 1, 2)
    for status, error in (
        (500, HubUnavailableError),
        (429, HubUnavailableError),
        (401, HubRefusedError),
        (404, HubRefusedError),
    ):
        desk.status = status
        with pytest.raises(error):
            deliver_once(folder)
        assert counts(judge) == (2, 0, 0)
    desk.status = None
    deliver_once(folder)
    assert counts(judge) == (0, 2, 0)


def test_an_answer_that_got_lost_sends_the_same_ids_again(judge: Judge, folder: Folder, desk: Desk) -> None:
    match(judge, 1)
    take = desk.hub.answers["/api/v1/matches"]

    def lose(handler: Handler) -> None:
        desk.hub.answers["/api/v1/matches"] = take
        body = json.loads(desk.hub.requests[-1].body)
        desk.matches.update((found["id"], found) for found in body["matches"])
        handler.close_connection = True

    desk.hub.answers["/api/v1/matches"] = lose
    with pytest.raises(HubUnavailableError):
        deliver_once(folder)
    deliver_once(folder)
    assert len(desk.matches) == 1
    assert counts(judge) == (0, 1, 0)


def test_one_match_that_the_hub_refuses_keeps_no_other_back(judge: Judge, folder: Folder, desk: Desk) -> None:
    desk.unwanted = {3, 17}
    match(judge, *range(20))
    deliver_once(folder)
    assert {found["position"] for found in desk.matches.values()} == set(range(20)) - {3, 17}
    assert counts(judge) == (0, 18, 2)


def test_a_match_whose_reference_the_hub_refuses_counts_without_it(judge: Judge, folder: Folder, desk: Desk) -> None:
    desk.telling = {"tells-too-much"}
    match(judge, 1, 2, reference="upload-1")
    match(judge, 3, reference="tells-too-much")
    deliver_once(folder)
    told = {found["position"]: found.get("reference") for found in desk.matches.values()}
    assert told == {1: "upload-1", 2: "upload-1", 3: None}
    assert counts(judge) == (0, 3, 0)


def test_a_silenced_entry_is_a_dispute_told_once(judge: Judge, folder: Folder, desk: Desk) -> None:
    desk.unwanted = {6}
    judge.silence(5, reason="our own logo")
    judge.silence(6, reason="not there")
    judge.silence(7, reason="taken back at once")
    judge.unsilence(7)
    deliver_once(folder)
    deliver_once(folder)
    assert desk.disputes == [{"list": "national", "position": 5, "reason": "our own logo"}]
    assert [entry.dispute for entry in judge.status().silenced] == ["delivered", "refused"]


def test_the_thread_goes_on_after_trouble(
    judge: Judge, folder: Folder, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(delivery, "_FIRST_WAIT_S", 0.02)
    desk.status = 503
    match(judge, 1)
    with Delivery(folder):
        while desk.calls < 2:
            assert not desk.taken.wait(0.02)
        desk.status = None
        assert desk.taken.wait(10)
        desk.taken.clear()
        match(judge, 2)
        assert desk.taken.wait(10)
    assert counts(judge)[0] == 0
