"""The signer: one history, one process, strict files, and nothing forgotten."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from staydown_hub.sealing import memory
from staydown_hub.sealing.errors import (
    BadKeyFileError,
    LostMemoryError,
    NoKeyError,
    OtherHistoryError,
    OtherOriginError,
    RestoredMemoryError,
    SealedElsewhereError,
    SignedBeyondError,
)
from staydown_hub.sealing.keys import FileKeys, parse_key
from staydown_hub.sealing.memory import Signed, accept, read_signed
from staydown_hub.sealing.notes import parse_checkpoint, parse_note
from staydown_hub.sealing.signer import Signer, make_missing
from staydown_hub.sealing.tree import EMPTY_ROOT, CompactRange

ORIGIN = "hub.example"
LEAVES = [bytes([number]) * 32 for number in range(9)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert make_missing(tmp_path, FileKeys(tmp_path, origin=ORIGIN), origin=ORIGIN, slugs=["main"]) == ["main"]
    return tmp_path


def signer(folder: Path, *, origin: str = ORIGIN) -> Signer:
    return Signer(folder, slug="main", origin=f"{origin}/main", store=FileKeys(folder, origin=origin))


def test_what_it_signs_extends_what_it_signed(folder: Path) -> None:
    with signer(folder) as one:
        assert (one.signed.size, one.signed.root) == (0, EMPTY_ROOT)
        one.resume(CompactRange())
        one.extend(LEAVES[:3])
        signed = one.extend(LEAVES[3:5])
    grown = CompactRange()
    grown.extend(LEAVES[:5])
    assert (signed.size, signed.root) == (5, grown.root())
    with signer(folder) as again:
        assert again.signed == signed
        note = parse_note(signed.note)
        assert parse_checkpoint(note.text).root == grown.root()
        assert again.verifiers[0].verify(note.text.encode(), note.signatures[0].signature)


def test_it_signs_nothing_before_it_was_compared(folder: Path) -> None:
    with signer(folder) as one, pytest.raises(OtherHistoryError):
        one.extend(LEAVES[:1])


@pytest.mark.parametrize("leaves", [LEAVES[:3], [*LEAVES[:3], LEAVES[5]], LEAVES[:5]])
def test_another_history_is_refused(folder: Path, leaves: list[bytes]) -> None:
    with signer(folder) as one:
        one.resume(CompactRange())
        before = one.extend(LEAVES[:4])
    other = CompactRange()
    other.extend(leaves)
    with signer(folder) as again, pytest.raises(OtherHistoryError, match=r"restored\s+backup"):
        again.resume(other)
    assert read_signed(folder / "main") == before


def test_what_cannot_be_remembered_is_not_signed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with signer(folder) as one:
        one.resume(CompactRange())
        before = one.extend(LEAVES[:4])
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", lambda _: (_ for _ in ()).throw(OSError("the disk is full")))
            with pytest.raises(OSError, match="full"):
                one.extend(LEAVES[4:5])
        assert one.signed == before, "nobody is shown what may not be on the disk"
        signed = one.extend(LEAVES[4:6])
    assert (signed.size, read_signed(folder / "main")) == (6, signed)


def test_only_one_process_signs(folder: Path) -> None:
    with signer(folder), pytest.raises(SealedElsewhereError):
        signer(folder)
    signer(folder).close()


@pytest.mark.parametrize("damage", ["", "{", "{}", '{"size": 1, "root": "", "note": ""}', None])
def test_a_lost_memory_is_not_made_up(folder: Path, damage: str | None) -> None:
    path = folder / "main/signed.json"
    path.unlink() if damage is None else path.write_text(damage)
    with pytest.raises(LostMemoryError, match=r"signed\.json"):
        signer(folder)
    store = FileKeys(folder, origin=ORIGIN)
    assert make_missing(folder, store, origin=ORIGIN, slugs=["main"]) == []


def test_a_memory_that_says_other_than_its_note_is_damaged(folder: Path) -> None:
    path = folder / "main/signed.json"
    told = json.loads(path.read_text().splitlines()[0])
    path.write_text(json.dumps({**told, "size": 7}))
    with pytest.raises(LostMemoryError):
        signer(folder)


def test_a_list_without_a_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoKeyError, match="staydown-hub keys make main"):
        signer(tmp_path)
    (tmp_path / "main").mkdir(mode=0o700)
    with pytest.raises(NoKeyError):
        signer(tmp_path)


def test_files_are_for_their_owner_only(folder: Path) -> None:
    made = folder / "below/signing"
    make_missing(made, FileKeys(made, origin=ORIGIN), origin=ORIGIN, slugs=["main"])
    for path in (made, *folder.joinpath("main").rglob("*"), *made.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
    [key] = (folder / "main").glob("*.key")
    for place, mode in ((key, 0o640), (key.parent, 0o750)):
        was = place.stat().st_mode
        place.chmod(mode)
        with pytest.raises(BadKeyFileError, match="chmod"):
            signer(folder)
        place.chmod(was)


def test_a_damaged_key_is_named(folder: Path) -> None:
    [key] = (folder / "main").glob("*.key")
    key.write_text(key.read_text().replace("PRIVATE", "PUBLIC"))
    with pytest.raises(BadKeyFileError, match="holds no key"):
        signer(folder)


def test_a_key_of_another_origin_is_refused(folder: Path) -> None:
    with pytest.raises(OtherOriginError, match=r"Set STAYDOWN_LOG_ORIGIN back to hub\.example\."):
        signer(folder, origin="other.example")


def test_added_and_retired_keys_count_at_once(folder: Path) -> None:
    store = FileKeys(folder, origin=ORIGIN)
    with signer(folder) as one:
        one.resume(CompactRange())
        [old] = one.verifiers
        assert not one.renew()
        new = store.make("main")
        assert one.renew()
        assert {line.key_id for line in parse_note(one.signed.note).signatures} == {old.id, new.id}
        store.retire("main", old.id)
        assert one.renew()
        assert {line.key_id for line in parse_note(one.extend(LEAVES[:1]).note).signatures} == {new.id}


def test_a_secret_is_in_no_representation(folder: Path) -> None:
    [key] = FileKeys(folder, origin=ORIGIN).keys("main")
    assert repr(key) == f"FileKey({key.id.hex()})"
    read = parse_key(key.text())
    assert read is not None
    assert read.public_key == key.public_key
    assert parse_key("PRIVATE+KEY+name+00000000+AQ==") is None
    assert parse_key("PRIVATE+KEY+name+00000000+?") is None


def test_a_write_that_a_loss_of_power_tore_leaves_the_one_before(folder: Path) -> None:
    path = folder / "main/signed.json"
    with signer(folder) as one:
        one.resume(CompactRange())
        one.extend(LEAVES[:1])
        before, old = path.read_bytes(), one.signed
        one.extend(LEAVES[1:2])
        after, new = path.read_bytes(), one.signed
    assert (len(before), read_signed(folder / "main")) == (len(after), new)
    for torn_at in (*range(0, 1200, 7), *range(0, len(after) + 1, 512)):
        for torn in (after[:torn_at] + before[torn_at:], before[:torn_at] + after[torn_at:], after[:torn_at]):
            path.write_bytes(torn)
            try:
                assert read_signed(folder / "main") in (old, new)
            except LostMemoryError:
                assert len(torn) < len(after), "only a file that was cut short is lost"


@pytest.mark.parametrize("last_act", ["touch", "make"])
def test_a_first_start_that_was_cut_off_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last_act: str
) -> None:
    def power_fails(*_: object) -> None:
        raise KeyboardInterrupt

    store = FileKeys(tmp_path, origin=ORIGIN)
    with monkeypatch.context() as patch:
        failing = {"touch": "staydown_hub.sealing.keys.FileKeys.make", "make": "staydown_hub.sealing.signer.begin"}
        patch.setattr(failing[last_act], power_fails)
        with pytest.raises(KeyboardInterrupt):
            make_missing(tmp_path, store, origin=ORIGIN, slugs=["main"])
    assert make_missing(tmp_path, store, origin=ORIGIN, slugs=["main"]) == ["main"]
    assert make_missing(tmp_path, store, origin=ORIGIN, slugs=["main"]) == []
    with signer(tmp_path) as one:
        assert len(one.verifiers) == 1


def grown(folder: Path, *leaves: bytes, size: int = 0) -> Signed:
    before = CompactRange()
    before.extend(LEAVES[:size])
    with signer(folder) as one:
        one.resume(before)
        return one.extend(leaves)


def test_a_signing_folder_that_was_brought_back_signs_nothing(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = tmp_path_factory.mktemp("backup") / "signing"
    shutil.copytree(folder, backup)
    grown(folder, LEAVES[0])
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)
    # Hours later: what was written then has another change time now.
    monkeypatch.setattr(memory, "_WRITING_S", -1.0)
    with pytest.raises(RestoredMemoryError, match=r"0 entries were signed.*accept-restored main --size 0"):
        signer(folder)
    monkeypatch.undo()
    assert accept(folder / "main").size == 0
    assert grown(folder, LEAVES[0]).size == 1, "on the word of who knows that nobody has seen more"


def test_its_own_later_signature_ends_it_for_good(folder: Path) -> None:
    signed = grown(folder, *LEAVES[:3])
    note = parse_note(signed.note)
    with signer(folder) as one:
        assert one.is_ours(note)
        other = replace(note, text=note.text.replace("\n3\n", "\n4\n"))
        assert not one.is_ours(other), "nobody else can show one"
        tree = CompactRange()
        tree.extend(LEAVES[:3])
        one.resume(tree)
        one.forbid(note)
        with pytest.raises(OtherHistoryError):
            one.extend(LEAVES[3:4])
    with signer(folder) as again, pytest.raises(SignedBeyondError, match="own signature of 3 entries"):
        again.resume(tree)
