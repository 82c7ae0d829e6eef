"""The list on disk: in order, all or nothing, and always what the entries say."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from staydown_client.entries import read_positioned_entry
from staydown_client.errors import FolderError, HubMisbehavedError
from staydown_client.store import StoreWriter, create_store

from packages.client.tests.conftest import Body, admit, amend, exact, item_id, near, withdraw

if TYPE_CHECKING:
    from staydown_client.entries import Entry

BITS = "0f" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_store(tmp_path / "list.sqlite", list_name="national")
    return tmp_path / "list.sqlite"


def entries(*bodies: Body, start: int = 0) -> list[Entry]:
    return [read_positioned_entry({"position": start + n, "entry": body}, "e") for n, body in enumerate(bodies)]


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_entries_and_position_arrive_together(path: Path) -> None:
    with StoreWriter(path, list_name="national") as store:
        assert store.position == -1
        store.apply(entries(admit(1, exact("ab" * 32), near(BITS))), caught_up_at=12.5)
        assert store.position == 0
    assert rows(path, "SELECT position, caught_up_at FROM state") == [(0, 12.5)]
    assert rows(path, "SELECT value, algorithm FROM exact") == [(b"\xab" * 32, "sha256")]
    assert rows(path, "SELECT bits FROM pdq") == [(bytes.fromhex(BITS),)]


def test_a_page_that_is_not_the_last_leaves_the_time_of_the_last_confirmation(path: Path) -> None:
    with StoreWriter(path, list_name="national") as store:
        store.apply(entries(admit(1)), caught_up_at=5.0)
        store.apply(entries(admit(2), start=1), caught_up_at=None)
    assert rows(path, "SELECT position, caught_up_at FROM state") == [(1, 5.0)]


def test_an_amendment_takes_the_place_of_what_was_there_and_keeps_the_admissions_position(path: Path) -> None:
    with StoreWriter(path, list_name="national") as store:
        store.apply(entries(admit(1, exact("ab" * 32), near(BITS)), amend(1, exact("cd" * 32))), caught_up_at=1.0)
    assert rows(path, "SELECT value FROM exact") == [(b"\xcd" * 32,)]
    assert rows(path, "SELECT count(*) FROM pdq") == [(0,)]
    assert rows(path, "SELECT position FROM item") == [(0,)]
    assert rows(path, "SELECT key FROM removed") == [(1,)]


def test_a_withdrawal_leaves_nothing_of_the_item_not_even_in_the_files_free_space(path: Path) -> None:
    secret = "c0ffee" * 10 + "0123"
    with StoreWriter(path, list_name="national") as store:
        store.apply(entries(admit(1, exact(secret), near(BITS))), caught_up_at=1.0)
    assert bytes.fromhex(secret) in path.read_bytes()
    with StoreWriter(path, list_name="national") as store:
        store.apply(entries(withdraw(1), start=1), caught_up_at=1.0)
    assert rows(path, "SELECT count(*) FROM item") == rows(path, "SELECT count(*) FROM exact") == [(0,)]
    assert rows(path, "SELECT count(*) FROM pdq") == [(0,)]
    left = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert bytes.fromhex(secret) not in left
    assert bytes.fromhex(BITS) not in left


def test_hashes_too_poor_to_compare_are_not_indexed_but_exact_ones_are_kept(path: Path) -> None:
    with StoreWriter(path, list_name="national") as store:
        store.apply(entries(admit(1, exact("ab" * 32), near("aa" * 32, 49), near(BITS, 50))), caught_up_at=1.0)
    assert rows(path, "SELECT bits FROM pdq") == [(bytes.fromhex(BITS),)]
    assert rows(path, "SELECT count(*) FROM exact") == [(1,)]


@pytest.mark.parametrize(
    "bodies",
    [(admit(1), admit(1)), (amend(1),), (withdraw(1),), (admit(1), withdraw(1), amend(1))],
    ids=["admitted twice", "amended unknown", "withdrawn unknown", "amended after withdrawal"],
)
def test_an_operation_that_does_not_fit_the_item_is_refused_with_its_whole_page(
    path: Path, bodies: tuple[Body, ...]
) -> None:
    with StoreWriter(path, list_name="national") as store:
        store.apply(entries(admit(9)), caught_up_at=3.0)
        with pytest.raises(HubMisbehavedError, match="refused"):
            store.apply(entries(*bodies, start=1), caught_up_at=4.0)
    assert rows(path, "SELECT position, caught_up_at FROM state") == [(0, 3.0)]
    assert rows(path, "SELECT count(*) FROM item") == [(1,)]


@pytest.mark.parametrize("start", [0, 2, 7])
def test_a_position_other_than_the_next_is_refused(path: Path, start: int) -> None:
    with StoreWriter(path, list_name="national") as store:
        store.apply(entries(admit(9)), caught_up_at=3.0)
        with pytest.raises(HubMisbehavedError, match="where 1 comes next"):
            store.apply(entries(admit(1), start=start), caught_up_at=4.0)
        assert store.position == 0


def test_an_item_may_come_back_after_its_withdrawal(path: Path) -> None:
    with StoreWriter(path, list_name="national") as store:
        store.apply(entries(admit(1), withdraw(1), admit(1)), caught_up_at=1.0)
    assert rows(path, "SELECT position FROM item") == [(2,)]


def test_the_feeds_address_is_remembered(path: Path) -> None:
    with StoreWriter(path, list_name="national") as store:
        assert store.feed is None
        store.remember_feed("http://127.0.0.1:1")
    with StoreWriter(path, list_name="national") as store:
        assert store.feed == "http://127.0.0.1:1"


def test_a_store_of_another_list_is_refused(path: Path) -> None:
    with pytest.raises(FolderError, match=r"holds the list national, and filter\.toml names regional"):
        StoreWriter(path, list_name="regional")


def test_a_store_of_another_version_a_damaged_and_a_missing_one_are_refused(path: Path) -> None:
    rows(path, "PRAGMA user_version = 99")
    with pytest.raises(FolderError, match="another version"):
        StoreWriter(path, list_name="national")
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(FolderError, match="staydown filter init"):
        StoreWriter(path, list_name="national")
    path.unlink()
    with pytest.raises(FolderError, match="staydown filter init"):
        StoreWriter(path, list_name="national")
    assert not path.exists()


class StoreAgainstModel(RuleBasedStateMachine):
    """Whatever is applied, the store holds what a dictionary of items in force holds, and refuses what does not fit."""

    @initialize()
    def make(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "list.sqlite"
        create_store(path, list_name="national")
        self.path = path
        self.store = StoreWriter(path, list_name="national")
        self.model: dict[str, str] = {}
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
        for operation, item, value in operations:
            digest = f"{value:064x}"
            fits = fits and (item_id(item) in model) == (operation != "admit")
            if operation == "withdraw":
                bodies.append(withdraw(item))
                model.pop(item_id(item), None)
            else:
                bodies.append((admit if operation == "admit" else amend)(item, exact(digest), near(digest)))
                model[item_id(item)] = digest
        page = entries(*bodies, start=self.position + 1)
        if fits:
            self.store.apply(page, caught_up_at=1.0)
            self.model, self.position = model, self.position + len(page)
        else:
            with pytest.raises(HubMisbehavedError):
                self.store.apply(page, caught_up_at=1.0)

    @precondition(lambda self: self.position >= 0)
    @rule()
    def open_anew(self) -> None:
        self.store.__exit__(None, None, None)
        self.store = StoreWriter(self.path, list_name="national")

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        assert self.store.position == self.position
        exact_rows = rows(self.path, "SELECT lower(hex(uuid)), lower(hex(value)) FROM exact JOIN item ON item = id")
        pdq_rows = rows(self.path, "SELECT lower(hex(uuid)), lower(hex(bits)) FROM pdq JOIN item ON item = id")
        wanted = [(item.replace("-", ""), digest) for item, digest in self.model.items()]
        assert sorted(exact_rows) == sorted(pdq_rows) == sorted(wanted)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.__exit__(None, None, None)
            self.folder.cleanup()


TestStoreAgainstModel = StoreAgainstModel.TestCase
TestStoreAgainstModel.settings = settings(max_examples=25, stateful_step_count=12)
