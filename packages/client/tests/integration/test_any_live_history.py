"""Whatever becomes of live events, what a reader finds was on one signed list, and it ends up with all of it."""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from staydown_client.folder import Settings, make_folder
from staydown_client.log.compact_range import CompactRange
from staydown_client.view import ListView

from packages.client.tests.conftest import KEY, LIST, admit
from packages.client.tests.following import following, state_of, wait_until
from packages.client.tests.histories import ITEMS, OPERATIONS, History, agreeing, found_in_force, short_bundles, spoilt
from packages.client.tests.hostile_hub import HostileHub, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from staydown_client.folder import Folder

    from packages.client.tests.hostile_hub import Answer, Asked

ENDPOINTS = ("checkpoint", "tail", "bundle", "keys", "me")
MANGLINGS = ("delay", "drop", "twice", "later", "replay", "garble", "cut", "hang up")


@dataclass
class Mangler:
    """Does to each live event what comes next in `plan`; heartbeats pass."""

    plan: deque[tuple[str, int]] = field(default_factory=deque)
    past: list[bytes] = field(default_factory=list)

    def __call__(self, _asked: Asked, answer: Answer) -> Answer:
        return answer if isinstance(answer.body, bytes) else replace(answer, body=self._mangled(answer.body))

    def _mangled(self, events: Iterator[bytes]) -> Iterator[bytes]:
        later = b""
        for event in events:
            if event.startswith(b":"):
                yield later + event
                later = b""
                continue
            what, seed = self.plan.popleft() if self.plan else ("pass", 0)
            self.past.append(event)
            if what == "hang up":
                return
            if what == "later":  # after the one that comes next, or after a heartbeat
                later += event
                continue
            yield self._done(what, seed, event) + later
            later = b""

    def _done(self, what: str, seed: int, event: bytes) -> bytes:
        if what == "delay":
            time.sleep(seed / 5000)
        elif what == "replay":
            event = self.past[seed % len(self.past)] + event
        elif what == "garble":
            place = seed % len(event)
            event = event[:place] + bytes([event[place] ^ 1 << seed % 8]) + event[place + 1 :]
        elif what == "cut":
            event = event[: seed % len(event)]
        return {"drop": b"", "twice": event + event}.get(what, event)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(OPERATIONS), st.integers(0, ITEMS - 1), st.just(0)),
        st.tuples(st.sampled_from(MANGLINGS), st.just(0), st.integers(0, 500)),
        st.tuples(st.sampled_from(ENDPOINTS), st.integers(0, 4), st.integers(0, 200)),
        st.tuples(st.just("hold"), st.integers(0, 20), st.just(0)),
        st.tuples(st.just("fork"), st.integers(0, 20), st.just(0)),
        st.tuples(st.sampled_from(["honest", "wait"]), st.just(0), st.just(0)),
    ),
    min_size=8,
    max_size=25,
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("staydown_client.sync._RETRY_S", 0.001)
    monkeypatch.setattr("staydown_client.backoff._FIRST_WAIT_S", 0.002)
    monkeypatch.setattr("staydown_client.backoff._LONGEST_WAIT_S", 0.02)
    monkeypatch.setattr("packages.client.tests.hostile_hub.HEARTBEAT_INTERVAL_S", 0.02)
    short_bundles(monkeypatch)


@pytest.fixture
def hub() -> Iterator[HostileHub]:
    with running(HostileHub()) as served:
        yield served


def tree_of(folder: Folder) -> CompactRange:
    return CompactRange.from_bytes(state_of(folder).tree)


class Watched:
    """A reader that looks in again and again, and what it has seen so far."""

    def __init__(self, folder: Folder, histories: list[History]) -> None:
        self.folder = folder
        self.histories = histories
        self.verified: list[tuple[int, bytes]] = []
        self.view = ListView(folder.store_path, list_name=LIST)

    def look(self) -> None:
        size, in_force = found_in_force(self.view)
        tree = tree_of(self.folder)
        assert tree.size >= size >= max((size for size, _ in self.verified), default=0)
        self.verified.append((tree.size, tree.root()))
        assert any(each.in_force(size) == in_force for each in agreeing(self.histories, self.verified))

    def has_all_of_what_goes_on_from_it(self, hub: HostileHub) -> bool:
        """Have a history shown that goes on from what was verified, and say whether all of it was taken."""
        tree = tree_of(self.folder)
        logs = [each.log for each in agreeing(self.histories, [*self.verified, (tree.size, tree.root())])]
        if not any(log is hub.log for log in logs):
            hub.show(logs[-1])
        with hub.news:
            hub.news.notify_all()
        return (tree.size, tree.root()) == (hub.log.size, hub.log.root())


@given(steps=STEPS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_reader_finds_meanwhile_was_on_one_signed_list_and_all_of_it_comes_in_the_end(
    steps: list[tuple[str, int, int]], hub: HostileHub, tmp_path_factory: pytest.TempPathFactory
) -> None:
    honest = now = History()
    mangler = Mangler()
    hub.held_at, hub.spoil = None, {"events": mangler}
    hub.show(now.log)
    folder = make_folder(
        tmp_path_factory.mktemp("live") / "filter",
        settings=Settings(hub=hub.url, list=LIST, log=now.log.trust),
        key=KEY,
    )
    watched = Watched(folder, [honest])
    with following(folder):
        for step, number, seed in chain(steps, [("wait", 0, 0)]):
            if step in OPERATIONS:
                now.do(step, number)
            elif step in MANGLINGS:
                mangler.plan.append((step, seed))
            elif step in ENDPOINTS:
                hub.spoil[step] = spoilt(number, seed)
            elif step == "hold":
                hub.held_at = number
            elif step == "fork":
                now = now.fork(number, len(watched.histories))
                watched.histories.append(now)
            elif step == "honest":
                now, hub.held_at, hub.spoil = honest, None, {"events": mangler}
            else:
                time.sleep(0.05)
            hub.show(now.log)
            watched.look()
        mangler.plan.clear()
        hub.held_at, hub.spoil = None, {}
        with hub.news:
            for each in watched.histories:
                each.log.append(admit(ITEMS))  # whoever missed the last event hears of it by the next
        wait_until(lambda: watched.has_all_of_what_goes_on_from_it(hub))
        watched.look()
    watched.view.close()


def test_a_mangler_does_each_of_its_manglings() -> None:
    sent = [b"event %d" % n for n in range(3)]
    for what in MANGLINGS:
        mangler = Mangler(deque([("pass", 0), (what, random.Random(1).randrange(500))]))  # noqa: S311 - any number
        received = b"|".join(mangler._mangled(iter([*sent, b":"])))
        assert (received == b"|".join([*sent, b":"])) == (what == "delay")
