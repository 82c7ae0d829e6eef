"""Changing keys: endorsed by the old one, both signing on, never without any, and taken up where it was left."""

import os
from pathlib import Path

import pytest
from staydown_hub.sealing.keys import FileKeys
from staydown_hub.sealing.memory import read_signed
from staydown_hub.sealing.notes import parse_note
from staydown_hub.sealing.rotation import (
    HasKeyError,
    LastKeyError,
    ListKeys,
    NothingToRotateError,
    UnknownSigningKeyError,
    public_keys,
)
from staydown_hub.sealing.signer import Signer

ORIGIN = "hub.example/main"


@pytest.fixture
def keys(tmp_path: Path) -> ListKeys:
    return ListKeys(FileKeys(tmp_path, origin="hub.example"), tmp_path / "main", "main", ORIGIN)


def test_the_first_key_signs_the_empty_list(keys: ListKeys) -> None:
    key = keys.make_first()
    assert keys.all() == [key]
    assert (key.name, read_signed(keys.folder).size) == (ORIGIN, 0)
    with pytest.raises(HasKeyError):
        keys.make_first()


def test_a_new_key_comes_with_the_old_ones_word(keys: ListKeys) -> None:
    first, second = keys.make_first(), keys.rotate()
    assert keys.all() == [first, second]
    told = public_keys(keys.folder, keys.all())
    assert [one["vkey"] for one in told] == [first.text, second.text]
    assert told[0]["endorsement"] is None
    note = parse_note(told[1]["endorsement"] or "")
    assert note.text == f"staydown key endorsement\n{ORIGIN}\n{second.text}\n"
    (signature,) = note.signatures
    assert (signature.name, signature.key_id) == (ORIGIN, first.id)
    assert first.verify(note.text.encode(), signature.signature)


def test_every_older_key_endorses_so_that_a_filter_may_miss_one_change(keys: ListKeys) -> None:
    first, second, third = keys.make_first(), keys.rotate(), keys.rotate()
    note = parse_note(public_keys(keys.folder, [third])[0]["endorsement"] or "")
    assert [one.key_id for one in note.signatures] == [first.id, second.id]


def test_both_sign_until_the_old_one_is_retired(keys: ListKeys) -> None:
    first = keys.make_first()
    with Signer(keys.folder.parent, slug="main", origin=ORIGIN, store=keys.store) as signer:
        second = keys.rotate()
        assert signer.renew()
        assert [one.key_id for one in parse_note(signer.signed.note).signatures] == [first.id, second.id]
        keys.retire(first.id)
        assert signer.renew()
        assert [one.key_id for one in parse_note(signer.signed.note).signatures] == [second.id]
    assert public_keys(keys.folder, keys.all())[0]["endorsement"], "who trusts the retired one can still follow"


def test_what_cannot_be_done_is_refused(keys: ListKeys) -> None:
    with pytest.raises(NothingToRotateError):
        keys.rotate()
    key = keys.make_first()
    with pytest.raises(LastKeyError):
        keys.retire(key.id)
    with pytest.raises(UnknownSigningKeyError):
        keys.retire(b"none")
    assert keys.all() == [key]


def test_a_change_that_was_cut_off_is_finished_not_begun_again(keys: ListKeys) -> None:
    first = keys.make_first()
    keys.store.make("main")  # and then the power went
    assert [one["endorsement"] for one in public_keys(keys.folder, keys.all())] == [None, None]
    second = keys.rotate()
    assert keys.all() == [first, second]
    assert public_keys(keys.folder, [second])[0]["endorsement"]


class ElsewhereKeys(FileKeys):
    """Keys that a plug-in keeps: nothing of them is in the list's signing folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, origin="hub.example")


def test_a_running_signer_hears_of_keys_that_are_kept_elsewhere(tmp_path: Path) -> None:
    signing = tmp_path / "signing"
    keys = ListKeys(ElsewhereKeys(tmp_path / "vault"), signing / "main", "main", ORIGIN)
    signing.mkdir(mode=0o700)
    first = keys.make_first()
    with Signer(signing, slug="main", origin=ORIGIN, store=keys.store) as signer:
        second = keys.rotate()
        assert signer.renew()
        keys.retire(first.id)
        assert signer.renew(), "the one that is retired has no endorsement to be taken away"
        assert [one.key_id for one in parse_note(signer.signed.note).signatures] == [second.id]


def test_keys_that_were_brought_back_and_look_equally_old_are_rotated_all_the_same(keys: ListKeys) -> None:
    first, second = keys.make_first(), keys.rotate()
    for path in keys.folder.glob("*.key"):
        os.utime(path, ns=(0, 0))
    third = keys.rotate()
    assert third not in (first, second)
    told = {one["vkey"]: one["endorsement"] for one in public_keys(keys.folder, keys.all())}
    assert told[first.text] is None
    signed_by = {line.key_id for line in parse_note(told[third.text] or "").signatures}
    assert signed_by == {first.id, second.id}
