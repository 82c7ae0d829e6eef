"""The golden values that hub and client share, computed without either's code."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from staydown_hub.feed.recent import Event
from staydown_hub.sealing.bundles import packed
from staydown_hub.sealing.hashes import TreeFiles
from staydown_hub.sealing.keys import FileKey, parse_key
from staydown_hub.sealing.notes import parse_checkpoint, parse_note, parse_vkey
from staydown_hub.sealing.paths import index_path, parse_index, parse_tile
from staydown_hub.sealing.records import Record
from staydown_hub.sealing.signer import sign_checkpoint
from staydown_hub.sealing.tree import CompactRange, leaf_hash

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[5] / "tests/contract/vectors/log.json").read_text())
ORIGIN = VECTORS["origin"]


def data(text: str) -> bytes:
    return base64.b64decode(text)


def key(name: str) -> FileKey:
    return FileKey.from_seed(VECTORS["keys"][name]["name"], data(VECTORS["keys"][name]["seed"]))


def records() -> list[Record]:
    gone = set(VECTORS["redacted_positions"])
    return [
        Record(data(one["leaf_hash"]), None, None)
        if one["position"] in gone
        else Record(data(one["leaf_hash"]), data(one["salt"]), one["body"])
        for one in VECTORS["entries"]
    ]


def test_the_roots_of_rfc_6962s_own_test_data() -> None:
    tree = CompactRange()
    for leaf, root in zip(VECTORS["rfc6962"]["leaves_hex"], VECTORS["rfc6962"]["roots_hex"], strict=True):
        tree.append(hashlib.sha256(b"\x00" + bytes.fromhex(leaf)).digest())
        assert tree.root().hex() == root


def test_leaves_roots_and_compact_ranges() -> None:
    tree = CompactRange()
    for one in VECTORS["entries"]:
        assert leaf_hash(data(one["salt"]), one["body"]) == data(one["leaf_hash"])
        tree.append(data(one["leaf_hash"]))
        assert tree.root() == data(VECTORS["roots"][str(tree.size)])
        assert list(tree.hashes) == [data(text) for text in VECTORS["compact_ranges"][str(tree.size)]]


def test_gos_own_note() -> None:
    go = VECTORS["go_note"]
    verifier, note, secret = parse_vkey(go["vkey"]), parse_note(go["note"]), parse_key(go["skey"])
    assert secret is not None
    assert (secret.id, secret.text().strip()) == (verifier.id, go["skey"])
    [signature] = note.signatures
    assert (signature.key_id, signature.signature) == (verifier.id, secret.sign(note.text.encode()))
    assert verifier.verify(note.text.encode(), signature.signature)
    assert not verifier.verify(note.text.encode() + b" ", signature.signature)


@pytest.mark.parametrize("size", ["0", "3", "10"])
def test_checkpoints_are_signed_to_the_byte(size: str) -> None:
    root = data(VECTORS["roots"][size])
    assert sign_checkpoint(ORIGIN, [key("old")], size=int(size), root=root) == VECTORS["checkpoints"][size]


def test_two_keys_sign_one_checkpoint() -> None:
    made = sign_checkpoint(ORIGIN, [key("old"), key("new")], size=7, root=data(VECTORS["roots"]["7"]))
    assert made == VECTORS["checkpoints"]["7_both_keys"]


def test_every_checkpoint_reads_as_written() -> None:
    for name, note in VECTORS["checkpoints"].items():
        read = parse_checkpoint(parse_note(note).text)
        size = name.partition("_")[0]
        assert (read.origin, read.size, read.root) == (ORIGIN, int(size), data(VECTORS["roots"][size]))


def test_keys_read_as_written() -> None:
    for one in VECTORS["keys"].values():
        read = parse_vkey(one["vkey"])
        assert (read.name, read.algorithm, read.id.hex(), read.text) == (
            one["name"],
            one["algorithm"],
            one["key_id"],
            one["vkey"],
        )


def test_bundles_and_tails() -> None:
    assert packed(0, records()).plain() == data(VECTORS["bundle"])
    assert packed(7, records()[7:]).plain() == data(VECTORS["tail_after_6"])


def test_an_event() -> None:
    told = VECTORS["event"]
    event = Event(7, records()[7:], VECTORS["checkpoints"]["10"])
    assert event.from_position(7).decode() == f"id: {told['id']}\nevent: {told['event']}\ndata: {told['data']}\n\n"


def test_tiles(tmp_path: Path) -> None:
    tiles = VECTORS["tiles"]
    with TreeFiles(tmp_path) as files:
        files.append(b"".join(hashlib.sha256(b"\x00" + n.to_bytes(8, "big")).digest() for n in range(tiles["size"])))
        assert files.root_at(tiles["size"]) == data(tiles["root"])
        for path, digest in tiles["sha256"].items():
            place = parse_tile(path)
            assert place is not None
            assert hashlib.sha256(files.tile(place, size=tiles["size"]) or b"").hexdigest() == digest


def test_paths() -> None:
    for number, path in VECTORS["paths"].items():
        assert (index_path(int(number)), parse_index(path)) == (path, int(number))
