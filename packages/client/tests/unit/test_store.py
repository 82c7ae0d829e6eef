"""The list on disk: in order, all or nothing, and always what the entries say."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from staydown_client.base.writing import write_merged_base
from staydown_client.clock import Moment
from staydown_client.entries import EntryReader
from staydown_client.errors import FolderError, LogRefusedError
from staydown_client.merging import Merging
from staydown_client.snapshot import rows_of
from staydown_client.store import Refusal, create_store, read_items
from staydown_client.store_writer import StoreWriter
from staydown_client.view import ListView

from packages.client.tests.conftest import LIST, Body, admit, amend, apply_to, exact, item_id, near, withdraw
from packages.client.tests.made_log import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator

    from staydown_client.store import ItemRow

BITS = "0f" * 32
NO_HASHES = np.zeros((0, 32), dtype=np.uint8)
THEN = Moment(12.5, 3.0, "boot")


def redact(item: int, *positions: int) -> Body:
    return {
        "operation": "redact",
        "item": item_id(item),
        "positions": list(positions),
        "at": "2026-01-02T03:04:05.678901Z",
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_store(tmp_path / "list.sqlite", list_name=LIST)
    return tmp_path / "list.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[StoreWriter]:
    with StoreWriter(path, list_name=LIST) as opened:
        yield opened


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def items(path: Path) -> list[ItemRow]:
    with closing(sqlite3.connect(path)) as connection:
        return list(read_items(connection, since=0))


def merge(store: StoreWriter) -> None:
    store.switch(Merging(store)._merged())


def held(path: Path, *digests: str) -> list[int | None]:
    """Return for each digest the position of the entry that a reader finds for it, None when there is none."""
    view = ListView(path, list_name=LIST)
    try:
        found = dict(view.look_up([("sha256", bytes.fromhex(each)) for each in digests], NO_HASHES).exact_hits)
    finally:
        view.close()
    return [found[row].position if row in found else None for row in range(len(digests))]


def test_entries_and_position_arrive_together(path: Path, store: StoreWriter) -> None:
    assert store.position == -1
    apply_to(store, admit(1, exact("ab" * 32), near(BITS)), confirmed=THEN)
    assert (store.position, store.state.confirmed) == (0, THEN)
    [row] = items(path)
    assert (row.changed_at, row.admitted_at, row.item, row.label) == (0, 0, bytes(15) + b"\1", (("A1",), "block"))
    assert row.exact == (("sha256", b"\xab" * 32),)
    assert (row.pdq, row.is_video) == (bytes.fromhex(BITS), False)


def test_a_video_says_how_many_frames_it_lists(path: Path, store: StoreWriter) -> None:
    apply_to(store, admit(1, near(BITS), near("aa" * 32), near("bb" * 32, 10), kind="video"))
    assert (items(path)[0].is_video, len(items(path)[0].pdq)) == (True, 64)


def test_an_amendment_takes_the_place_of_what_was_there_and_keeps_the_admissions_position(
    path: Path, store: StoreWriter
) -> None:
    apply_to(store, admit(1, exact("ab" * 32), near(BITS)), amend(1, exact("cd" * 32)))
    [row] = items(path)
    assert (row.changed_at, row.admitted_at, row.exact, row.pdq) == (1, 0, (("sha256", b"\xcd" * 32),), b"")
    assert rows(path, "SELECT at, admitted_at, changed_at FROM gone") == [(1, 0, 0)]


@pytest.mark.parametrize("last", [withdraw(1), redact(1, 0), amend(1, exact("ab" * 32))], ids=str)
def test_what_is_no_longer_in_force_leaves_the_file_and_its_free_space(
    path: Path, store: StoreWriter, last: Body
) -> None:
    secret = "c0ffee" * 10 + "0123"
    apply_to(store, admit(1, exact(secret), near(BITS)))
    store.clear_away()
    assert bytes.fromhex(secret) in path.read_bytes()
    apply_to(store, last)
    store.clear_away()
    left = b"".join(file.read_bytes() for file in path.parent.iterdir() if file.is_file())
    assert bytes.fromhex(secret) not in left
    assert bytes.fromhex(BITS) not in left


@pytest.mark.parametrize(
    "bodies",
    [(admit(1), admit(1)), (amend(1),), (withdraw(1),), (admit(1), withdraw(1), amend(1))],
    ids=["admitted twice", "amended unknown", "withdrawn unknown", "amended after withdrawal"],
)
@pytest.mark.parametrize("merged", [False, True])
def test_an_operation_that_does_not_fit_the_item_is_refused_with_its_whole_run(
    path: Path, store: StoreWriter, bodies: tuple[Body, ...], *, merged: bool
) -> None:
    apply_to(store, admit(9), confirmed=THEN)
    if merged:
        merge(store)
    with pytest.raises(LogRefusedError, match="refused"):
        apply_to(store, *bodies)
    assert (store.position, store.state.confirmed) == (0, THEN)
    with pytest.raises(LogRefusedError, match="in force already"):
        apply_to(store, admit(9))
    assert held(path, f"{9:064x}", f"{1:064x}") == [0, None]


@pytest.mark.parametrize("first", [0, 2, 7])
def test_a_position_other_than_the_next_is_refused(store: StoreWriter, first: int) -> None:
    apply_to(store, admit(9))
    reader = EntryReader()
    run = reader.read([canonical(admit(1))], first=first)
    with pytest.raises(LogRefusedError, match="where 1 comes next"):
        store.apply([run], reader.labels, tree=bytes(8), note="none", confirmed=THEN)
    assert store.position == 0


def test_an_item_may_come_back_after_its_withdrawal_and_after_its_redaction(path: Path, store: StoreWriter) -> None:
    apply_to(store, admit(1), withdraw(1), admit(1))
    assert held(path, f"{1:064x}") == [2]
    merge(store)
    apply_to(store, redact(1, 0, 2), admit(1))
    assert held(path, f"{1:064x}") == [4]
    merge(store)
    assert held(path, f"{1:064x}") == [4]


def test_a_redacted_text_is_taken_only_with_the_entry_that_redacts_it(path: Path, store: StoreWriter) -> None:
    reader = EntryReader()

    def apply(*bodies: Body | None) -> None:
        texts = [None if body is None else canonical(body) for body in bodies]
        run = reader.read(texts, first=store.state.size)
        store.apply([run], reader.labels, tree=bytes(8), note="none", confirmed=THEN)

    apply(admit(5))
    for hidden in ((None,), (None, admit(2)), (None, redact(3, 0)), (admit(1), None, redact(3, 1))):
        with pytest.raises(LogRefusedError) as caught:
            apply(*hidden)
        assert caught.value.problem == "redaction"
    # Admitted and amended, amended while in force, withdrawn before: all of it redacted since.
    apply(None, None, withdraw(3), None, redact(3, 1, 2), redact(5, 0, 4), admit(5))
    assert held(path, f"{5:064x}") == [7]
    assert len(items(path)) == 1


def test_the_feeds_address_the_keys_and_a_refusal_are_remembered(path: Path) -> None:
    refusal = Refusal("fork", "Two histories.", 12.0)
    with StoreWriter(path, list_name=LIST) as store:
        assert (store.feed, store.endorsed_keys(), store.state.refusal) == (None, [], None)
        store.remember_feed("http://127.0.0.1:1")
        store.remember_keys([("key+1+a", "note"), ("key+2+b", "note")])
        store.remember_keys([("key+1+a", "another")])
        store.refuse(refusal)
    with StoreWriter(path, list_name=LIST) as store:
        assert store.feed == "http://127.0.0.1:1"
        assert store.endorsed_keys() == [("key+1+a", "note"), ("key+2+b", "note")]
        assert store.state.refusal == refusal
        apply_to(store, admit(1))
        assert store.state.refusal is None


def test_a_store_of_another_list_is_refused(path: Path) -> None:
    with pytest.raises(FolderError, match=r"holds the list national, and filter\.toml names regional"):
        StoreWriter(path, list_name="regional")


def test_a_store_of_another_version_a_damaged_and_a_missing_one_are_refused(path: Path) -> None:
    rows(path, "PRAGMA user_version = 99")
    with pytest.raises(FolderError, match="another version"):
        StoreWriter(path, list_name=LIST)
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(FolderError, match="staydown filter init"):
        StoreWriter(path, list_name=LIST)
    path.unlink()
    with pytest.raises(FolderError, match="staydown filter init"):
        StoreWriter(path, list_name=LIST)
    assert not path.exists()


def test_a_merge_made_while_entries_arrive_keeps_what_came_meanwhile(path: Path, store: StoreWriter) -> None:
    apply_to(store, admit(1), admit(2), admit(3), admit(4))
    made = Merging(store)._merged()
    apply_to(store, withdraw(1), amend(2, exact("ab" * 32)), admit(5), withdraw(4), admit(4, exact("cd" * 32)))
    store.switch(made)
    digests = [f"{n:064x}" for n in range(1, 6)]
    assert held(path, *digests, "ab" * 32, "cd" * 32) == [None, None, 2, None, 6, 1, 8]
    merge(store)
    assert held(path, *digests, "ab" * 32, "cd" * 32) == [None, None, 2, None, 6, 1, 8]
    assert not items(path)
    assert rows(path, "SELECT * FROM gone") == []


def test_after_a_merge_nothing_is_left_of_what_was_withdrawn_or_redacted(path: Path, store: StoreWriter) -> None:
    secrets = ["c0ffee" * 10 + "0123", "decade" * 10 + "4567"]
    apply_to(store, *(admit(n, exact(secret), near(secret)) for n, secret in enumerate(secrets)), admit(9))
    merge(store)
    dues: list[float | None] = [store.state.merge_due_s]
    for body in (withdraw(0), redact(1, 1)):
        apply_to(store, body)
        dues.append(store.state.merge_due_s)
    merge(store)
    store.clear_away()
    never, day, soon, done = *dues, store.state.merge_due_s
    assert never is done is None
    assert day is not None
    assert soon is not None
    assert soon < day
    left = b"".join(file.read_bytes() for file in path.parent.rglob("*") if file.is_file())
    for secret in secrets:
        assert bytes.fromhex(secret) not in left
    assert held(path, f"{9:064x}") == [2]


def test_unfinished_and_forgotten_bases_are_cleared_away(path: Path, store: StoreWriter) -> None:
    apply_to(store, admit(1))
    write_merged_base(path.parent, None, items(path), [], size=1)
    (path.parent / "base-7-00000000.unfinished").mkdir()
    merge(store)
    with StoreWriter(path, list_name=LIST) as anew:
        kept = anew.state.base
        assert kept is not None
    assert [each.name for each in path.parent.glob("base-*")] == [kept.name]


class StoreAgainstModel(RuleBasedStateMachine):
    """Whatever is applied and merged, readers find what a dictionary of items in force holds; the rest is refused."""

    @initialize()
    def make(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "list.sqlite"
        create_store(path, list_name=LIST)
        self.path = path
        self.store = StoreWriter(path, list_name=LIST)
        self.view = ListView(path, list_name=LIST)
        self.model: dict[int, tuple[int, int]] = {}
        self.position = -1

    @rule(
        operations=st.lists(
            st.tuples(st.sampled_from(["admit", "amend", "withdraw"]), st.integers(0, 3), st.integers(0, 9)),
            min_size=1,
            max_size=4,
        )
    )
    def apply(self, operations: list[tuple[str, int, int]]) -> None:
        model, fits, bodies = dict(self.model), True, []
        for number, (operation, item, value) in enumerate(operations):
            digest = f"{value:064x}"
            fits = fits and (item in model) == (operation != "admit")
            if operation == "withdraw":
                bodies.append(withdraw(item))
                model.pop(item, None)
            else:
                bodies.append((admit if operation == "admit" else amend)(item, exact(digest), near(digest)))
                model[item] = (model.get(item, (self.position + 1 + number, 0))[0], value)
        if fits:
            apply_to(self.store, *bodies)
            self.model, self.position = model, self.position + len(bodies)
        else:
            with pytest.raises(LogRefusedError):
                apply_to(self.store, *bodies)

    @precondition(lambda self: self.position >= 0)
    @rule()
    def merge(self) -> None:
        merge(self.store)

    @precondition(lambda self: self.position >= 0)
    @rule()
    def open_anew(self) -> None:
        self.store.__exit__(None, None, None)
        self.store = StoreWriter(self.path, list_name=LIST)
        self.view.close()
        self.view = ListView(self.path, list_name=LIST)

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        assert self.store.position == self.position
        values = [value.to_bytes(32, "big") for value in range(10)]
        looked = self.view.look_up([("sha256", value) for value in values], rows_of(values), max_distance_bits=0)
        wanted = sorted((value, admitted_at) for admitted_at, value in self.model.values())
        assert looked.position == self.position
        assert sorted((row, hit.position) for row, hit in looked.exact_hits) == wanted
        assert sorted((row, hit.position) for row, hit in looked.near_hits) == wanted
        assert self.view.status().items == len(self.model)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.view.close()
            self.store.__exit__(None, None, None)
            self.folder.cleanup()


TestStoreAgainstModel = StoreAgainstModel.TestCase
TestStoreAgainstModel.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
