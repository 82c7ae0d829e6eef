"""Proofs and notes cross over, both ways, to an implementation of RFC 6962 and C2SP that shares nothing with ours."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from proofbundle import checkpoint as their_notes
from proofbundle import merkle as their_tree
from proofbundle import tlogproof as their_proofs
from staydown_client.log.compact_range import CompactRange
from staydown_client.log.hashing import leaf_hash
from staydown_client.log.keys import LOG_KEY, VerifierKey, WitnessKey, parse_vkey
from staydown_client.log.notes import cosignature_line, open_note, parse_note
from staydown_client.log.proofs import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from staydown_client.log.texts import InclusionProof, parse_proof

from packages.client.tests.conftest import admit
from packages.client.tests.made_log import NOW_S, MadeLog, record, witness_key

SEED = bytes(range(32))
ENTRIES = [b"entry %d" % number for number in range(120)]


def log_of(size: int) -> MadeLog:
    log = MadeLog()
    for entry in ENTRIES[:size]:
        log.append_record(record(entry, salt=b""))
    return log


@given(st.integers(1, 120), st.data())
@settings(max_examples=40)
def test_their_proofs_hold_here_and_ours_there(size: int, data: st.DataObject) -> None:
    log, entries = log_of(size), ENTRIES[:size]
    root = their_tree.merkle_tree_hash(entries)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    old_root = their_tree.merkle_tree_hash(entries[:old])
    tree = CompactRange()
    tree.append_many([leaf_hash(entry) for entry in entries])
    assert tree.root() == root
    theirs, ours = their_tree.inclusion_proof(entries, index), inclusion_proof(log, index=index, size=size)
    assert verify_inclusion(theirs, leaf=leaf_hash(entries[index]), index=index, size=size, root=root)
    assert their_tree.verify_inclusion(entries[index], index, size, ours, root)
    theirs, ours = their_tree.consistency_proof(entries, old), consistency_proof(log, old_size=old, size=size)
    assert verify_consistency(theirs, old_size=old, old_root=old_root, size=size, root=root)
    assert their_tree.verify_consistency(old, size, ours, old_root, root)


@given(st.integers(2, 40), st.data())
@settings(max_examples=60)
def test_both_refuse_the_same(size: int, data: st.DataObject) -> None:
    """Sizes, indexes and proofs are mixed up: whatever one takes the other takes."""
    entries = ENTRIES[:size]
    claimed, index, old = (data.draw(st.integers(0, size + 2)) for _ in range(3))
    proof = data.draw(
        st.sampled_from([their_tree.inclusion_proof(entries, i) for i in range(size)])
        | st.sampled_from([their_tree.consistency_proof(entries, n) for n in range(1, size + 1)])
    )
    root, old_root = their_tree.merkle_tree_hash(entries), their_tree.merkle_tree_hash(ENTRIES[: min(old, size)])
    entry = ENTRIES[index]
    assert verify_inclusion(
        proof, leaf=leaf_hash(entry), index=index, size=claimed, root=root
    ) == their_tree.verify_inclusion(entry, index, claimed, proof, root)
    if old:
        assert verify_consistency(
            proof, old_size=old, old_root=old_root, size=claimed, root=root
        ) == their_tree.verify_consistency(old, claimed, proof, old_root, root)


def test_their_notes_open_here_and_ours_there() -> None:
    log, private = log_of(9), Ed25519PrivateKey.from_private_bytes(SEED)
    public = private.public_key().public_bytes_raw()
    signed = their_notes.sign_checkpoint(log.origin, 9, log.root(), private, log.origin)
    key = parse_vkey(their_notes.vkey(log.origin, public))
    assert key == VerifierKey(log.origin, LOG_KEY, public)
    assert open_note(signed, [key]).root == log.root()
    found = their_notes.verify_checkpoint(log.checkpoint(), log.keys[0].public.vkey)
    assert (found["ok"], found["origin"], found["tree_size"], found["root"]) == (True, log.origin, 9, log.root())


def test_their_cosignatures_count_here_and_ours_there() -> None:
    log, private = log_of(9), Ed25519PrivateKey.from_private_bytes(SEED)
    theirs = their_notes.cosign_checkpoint(log.checkpoint(), private, "witness.example/theirs", NOW_S)
    key = parse_vkey(their_notes.cosign_vkey("witness.example/theirs", private.public_key().public_bytes_raw()))
    assert open_note(theirs, [log.keys[0].public, key]).cosigned_by == {"witness.example/theirs": NOW_S}
    assert WitnessKey("witness.example/theirs", SEED).public == key
    ours = log.checkpoint() + cosignature_line(parse_note(log.checkpoint()).body, witness_key(), time_s=NOW_S)
    found = their_notes.verify_witnessed_checkpoint(ours, log.keys[0].public.vkey, [witness_key().public.vkey])
    assert found["ok"]
    assert their_notes.verify_cosignature(ours, witness_key().public.vkey)["timestamp"] == NOW_S


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_the_text_of_a_proof_is_read_there_and_theirs_here(size: int) -> None:
    log = MadeLog()
    log.append(*(admit(n) for n in range(size)))
    note = log.checkpoint(cosigners=[witness_key()], time_s=NOW_S)
    index = size // 2
    made = log.records[index]
    proof = InclusionProof(index, (made.salt, made.body), tuple(inclusion_proof(log, index=index, size=size)), note)
    keys = log.keys[0].public.vkey, [witness_key().public.vkey]
    leaf = made.salt + (made.body or b"")
    assert their_proofs.verify_tlog_proof(proof.text(), leaf, *keys, threshold=1, expected_origin=log.origin)["ok"]
    assert not their_proofs.verify_tlog_proof(proof.text(), leaf + b" ", *keys, threshold=1)["ok"]
    theirs = their_proofs.format_tlog_proof(index, proof.hashes, note, b"\x00" + leaf)
    assert parse_proof(theirs) == proof
    assert theirs == proof.text()
    assert b64encode(b"\x00" + leaf).decode() in theirs
