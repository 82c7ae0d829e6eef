"""Whatever is listed, and however answers are cut, garbled, late or false: what is in force was on one signed list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from staydown_client.errors import HubError
from staydown_client.folder import Settings, make_folder
from staydown_client.log.compact_range import CompactRange
from staydown_client.sync import opened
from staydown_client.view import ListView

from packages.client.tests.conftest import KEY, LIST, Told, admit
from packages.client.tests.histories import (
    BUNDLE,
    ITEMS,
    OPERATIONS,
    History,
    agreeing,
    found_in_force,
    short_bundles,
    spoilt,
)
from packages.client.tests.hostile_hub import HostileHub, running
from packages.client.tests.mischief import garbled, in_turn, reordered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from staydown_client.folder import Folder

ENDPOINTS = ("checkpoint", "tail", "bundle", "keys", "me")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(OPERATIONS), st.integers(0, ITEMS - 1), st.just(0)),
        st.tuples(st.just("hold"), st.integers(0, 20), st.just(0)),
        st.tuples(st.just("fork"), st.integers(0, 20), st.just(0)),
        st.tuples(st.just("honest"), st.just(0), st.just(0)),
        st.tuples(st.sampled_from(ENDPOINTS), st.integers(0, 4), st.integers(0, 200)),
        st.tuples(st.just("sync"), st.just(0), st.just(0)),
    ),
    max_size=30,
)


@pytest.fixture
def hub() -> Iterator[HostileHub]:
    with running(HostileHub()) as served:
        yield served


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once where a filter would wait for a redaction or a witness."""
    monkeypatch.setattr("staydown_client.sync._RETRY_S", 0.001)
    short_bundles(monkeypatch)


def synced(folder: Folder) -> bool:
    try:
        with opened(folder) as syncing:
            syncing.catch_up(Told())
    except HubError:
        return False
    return True


def shown(folder: Folder) -> tuple[int, bytes, set[int]]:
    """Return how far the list was verified, its root, and which items a reader finds in force."""
    with opened(folder) as syncing:
        tree = CompactRange.from_bytes(syncing._writer.state.tree)
    view = ListView(folder.store_path, list_name=LIST)
    try:
        size, in_force = found_in_force(view)
    finally:
        view.close()
    assert size == tree.size
    return tree.size, tree.root(), in_force


@given(steps=STEPS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_in_force_was_on_one_list_that_the_hub_signed(
    steps: list[tuple[str, int, int]], hub: HostileHub, tmp_path_factory: pytest.TempPathFactory
) -> None:
    honest = now = History()
    histories = [honest]
    hub.log, hub.held_at, hub.spoil = now.log, None, {}
    trust = now.log.trust
    folder = make_folder(
        tmp_path_factory.mktemp("any") / "filter", settings=Settings(hub=hub.url, list=LIST, log=trust), key=KEY
    )
    verified: list[tuple[int, bytes]] = []
    for step, number, seed in [*steps, ("sync", 0, 0)]:
        if step in OPERATIONS:
            now.do(step, number)
        elif step == "hold":
            hub.held_at = number
        elif step == "fork":
            now = now.fork(number, len(histories))
            histories.append(now)
        elif step == "honest":
            now, hub.held_at, hub.spoil = honest, None, {}
        elif step in ENDPOINTS:
            hub.spoil[step] = spoilt(number, seed)
        hub.show(now.log)
        if step == "sync":
            agreed = synced(folder)
            size, root, in_force = shown(folder)
            if agreed and not hub.spoil:
                assert (size, root) == (hub.shown, now.log.root(hub.shown))
            verified.append((size, root))
            assert any(each.in_force(size) == in_force for each in agreeing(histories, verified))
    assert [size for size, _ in verified] == sorted(size for size, _ in verified)


@given(waits=st.permutations([0.0, 0.02, 0.05]), flip=st.integers(0, 3))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bundles_that_arrive_in_any_order_and_one_that_is_false(
    waits: list[float], flip: int, hub: HostileHub, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not hub.log.size:
        hub.log.append(*(admit(n) for n in range(3 * BUNDLE + 2)))
    delays, spoil = reordered(waits), in_turn(*(garbled(7) if n == flip else None for n in range(4)))
    hub.spoil = {"bundle": lambda asked, answer: spoil(asked, delays(asked, answer))}
    folder = make_folder(
        tmp_path_factory.mktemp("order") / "filter",
        settings=Settings(hub=hub.url, list=LIST, log=hub.log.trust),
        key=KEY,
    )
    assert synced(folder) == (flip == 3)  # there is no fourth bundle to garble
    assert shown(folder)[0] == (hub.log.size if flip == 3 else 0)
    hub.spoil = {}
    assert synced(folder)
    assert shown(folder)[:2] == (hub.log.size, hub.log.root())
