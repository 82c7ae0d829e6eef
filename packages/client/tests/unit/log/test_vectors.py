"""The values that the hub is tested against too, computed with neither's code: hub and client mean the same log."""

from __future__ import annotations

import json
from base64 import b64decode
from hashlib import sha256
from typing import Any

import pytest
from staydown_client.errors import LogRefusedError
from staydown_client.log.bundle import leaf_hashes, parse_bundle
from staydown_client.log.compact_range import CompactRange
from staydown_client.log.hashing import EMPTY_ROOT, entry_leaf_hash, leaf_hash
from staydown_client.log.keys import WitnessKey, parse_vkey
from staydown_client.log.notes import cosignature_line, open_note, parse_note
from staydown_client.log.proofs import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from staydown_client.log.tiles import Tiles, index_path, tile_path
from staydown_client.log.trust import Trust

from packages.client.tests.conftest import HERE
from packages.client.tests.made_log import MadeLog, MadeRecord

VECTORS: dict[str, Any] = json.loads((HERE.parents[2] / "tests/contract/vectors/log.json").read_text("utf-8"))
KEYS = {name: parse_vkey(key["vkey"]) for name, key in VECTORS["keys"].items()}
CHECKPOINTS = VECTORS["checkpoints"]
ORIGIN: str = VECTORS["origin"]


def decoded(texts: list[str]) -> list[bytes]:
    return [b64decode(text) for text in texts]


LEAVES = decoded([entry["leaf_hash"] for entry in VECTORS["entries"]])
ROOTS = {int(size): b64decode(root) for size, root in VECTORS["roots"].items()}


def problem_of(name: str, trust: Trust) -> str | None:
    try:
        trust.open_checkpoint(CHECKPOINTS[name], now_s=VECTORS["cosignature"]["time"])
    except LogRefusedError as error:
        return error.problem
    return None


def test_leaves_and_roots() -> None:
    for entry in VECTORS["entries"]:
        assert entry_leaf_hash(b64decode(entry["salt"]), entry["body"].encode()) == b64decode(entry["leaf_hash"])
    assert ROOTS[0] == EMPTY_ROOT
    for size, root in ROOTS.items():
        tree = CompactRange()
        tree.append_many(LEAVES[:size])
        assert tree.root() == root
        assert list(tree.hashes) == decoded(VECTORS["compact_ranges"][str(size)])


def test_the_trees_of_rfc_6962s_own_code() -> None:
    tree = CompactRange()
    for leaf, root in zip(VECTORS["rfc6962"]["leaves_hex"], VECTORS["rfc6962"]["roots_hex"], strict=True):
        tree.append_many([leaf_hash(bytes.fromhex(leaf))])
        assert tree.root().hex() == root


def test_proofs() -> None:
    log = MadeLog()
    for leaf in LEAVES:
        log.append_record(MadeRecord(b"", None, leaf))
    for each in VECTORS["inclusion"]:
        proof, size, index = decoded(each["proof"]), each["size"], each["position"]
        assert inclusion_proof(log, index=index, size=size) == proof
        assert verify_inclusion(proof, leaf=LEAVES[index], index=index, size=size, root=ROOTS[size])
    for each in VECTORS["consistency"]:
        proof, old, size = decoded(each["proof"]), each["from"], each["to"]
        assert consistency_proof(log, old_size=old, size=size) == proof
        assert verify_consistency(proof, old_size=old, old_root=ROOTS[old], size=size, root=ROOTS[size])


def test_keys() -> None:
    for name, key in VECTORS["keys"].items():
        found = KEYS[name]
        assert (found.name, found.kind, found.key_id.hex()) == (key["name"], key["algorithm"], key["key_id"])
        assert found.vkey == key["vkey"]


def test_checkpoints_are_believed_by_the_right_keys_only() -> None:
    old, new = KEYS["old"], KEYS["new"]
    for size in ("0", "3", "10"):
        assert open_note(CHECKPOINTS[size], [old]).size == int(size)
        assert open_note(CHECKPOINTS[size], [old]).root == ROOTS[int(size)]
        assert problem_of(size, Trust(ORIGIN, (new,))) == "signature"
    assert open_note(CHECKPOINTS["7_both_keys"], [new]).root == ROOTS[7]
    assert problem_of("10_by_a_stranger", Trust(ORIGIN, (old, new))) == "signature"
    assert problem_of("10_wrong_signature", Trust(ORIGIN, (old,))) == "signature"


def test_cosignatures() -> None:
    witnesses = (KEYS["witness_one"], KEYS["witness_two"])
    trust = Trust(ORIGIN, (KEYS["old"],), witnesses, need_k=2, max_witness_age_s=60)
    assert problem_of("10_cosigned_by_both", trust) is None
    assert problem_of("10", trust) == "witnesses"
    one = WitnessKey("witness.example/police", b64decode(VECTORS["keys"]["witness_one"]["seed"]))
    line = cosignature_line(parse_note(CHECKPOINTS["10"]).body, one, time_s=VECTORS["cosignature"]["time"])
    assert line in CHECKPOINTS["10_cosigned_by_both"]


def test_the_endorsement_hands_over_and_no_further() -> None:
    trust = Trust(ORIGIN, (KEYS["old"],))
    offered = [(KEYS["new"].vkey, VECTORS["endorsement"]), (KEYS["stranger"].vkey, VECTORS["endorsement"])]
    assert trust.follow_endorsements(offered).keys == (KEYS["old"], KEYS["new"])


@pytest.mark.parametrize(("name", "first"), [("bundle", 0), ("tail_after_6", 7)])
def test_bundles(name: str, first: int) -> None:
    found_first, records = parse_bundle(b64decode(VECTORS[name]))
    assert found_first == first
    assert leaf_hashes(records) == LEAVES[first:]
    for position, (_, body) in enumerate(records, start=first):
        redacted = position in VECTORS["redacted_positions"]
        assert (body is None) if redacted else (body == VECTORS["entries"][position]["body"].encode())


def test_tiles() -> None:
    expected, size = VECTORS["tiles"]["sha256"], VECTORS["tiles"]["size"]
    log, read = MadeLog(), set()
    for index in range(size):
        log.append_record(MadeRecord(b"", None, leaf_hash(index.to_bytes(8, "big"))))

    def fetch(path: str) -> bytes | None:
        name, _, width = path.removeprefix("tile/").partition(".p/")
        level, index = name.split("/")
        data = log.tile(int(level), int(index), width=int(width or 256))
        assert data is not None
        assert sha256(data).hexdigest() == expected[path.removeprefix("tile/")]
        read.add(path.removeprefix("tile/"))
        return data

    tiles = Tiles(fetch, size=size)
    tree = CompactRange()
    tree.append_many([tiles.node(0, index) for index in range(size)])
    assert tree.root() == b64decode(VECTORS["tiles"]["root"])
    assert tiles.node(8, 2) == log.node(8, 2)
    assert read == set(expected)


@pytest.mark.parametrize(("index", "path"), VECTORS["paths"].items())
def test_paths(index: str, path: str) -> None:
    assert index_path(int(index)) == path
    assert tile_path(0, int(index)) == f"tile/0/{path}"
