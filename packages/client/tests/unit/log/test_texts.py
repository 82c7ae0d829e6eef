"""Proofs as texts: read back as they were written, and nothing else is taken for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from staydown_client.errors import LogRefusedError
from staydown_client.log.notes import open_note
from staydown_client.log.proofs import consistency_proof, inclusion_proof
from staydown_client.log.texts import ConsistencyProof, InclusionProof, parse_proof

from packages.client.tests.conftest import admit, item_id
from packages.client.tests.made_log import MadeLog

if TYPE_CHECKING:
    from staydown_client.log.bundle import Record


def log_of(size: int) -> MadeLog:
    log = MadeLog()
    log.append(*(admit(n) for n in range(size)))
    return log


LOG = log_of(20)
LOG.redact(item_id(4), 4)


def inclusion(index: int) -> InclusionProof:
    made = LOG.records[index]
    held: Record = (made.leaf, None) if made.body is None else (made.salt, made.body)
    return InclusionProof(index, held, tuple(inclusion_proof(LOG, index=index, size=LOG.size)), LOG.checkpoint())


def consistency(old: int) -> ConsistencyProof:
    return ConsistencyProof(old, tuple(consistency_proof(LOG, old_size=old, size=LOG.size)), LOG.checkpoint())


@pytest.mark.parametrize("index", [0, 4, 19, 20])
def test_an_inclusion_proof_survives_its_text(index: int) -> None:
    proof = parse_proof(inclusion(index).text())
    assert proof == inclusion(index)
    assert isinstance(proof, InclusionProof)
    assert proof.leaf == LOG.leaves[index]
    assert proof.holds_for(open_note(proof.note, [LOG.keys[0].public]))
    assert not proof.holds_for(open_note(LOG.checkpoint(max(index, 1)), [LOG.keys[0].public]))


@pytest.mark.parametrize("old", [0, 1, 8, 13, 21])
def test_a_consistency_proof_survives_its_text(old: int) -> None:
    proof = parse_proof(consistency(old).text())
    assert proof == consistency(old)
    assert isinstance(proof, ConsistencyProof)
    checkpoint = open_note(proof.note, [LOG.keys[0].public])
    assert proof.holds_for(open_note(LOG.checkpoint(old), [LOG.keys[0].public]), checkpoint)
    other = open_note(LOG.checkpoint(7), [LOG.keys[0].public])
    assert not proof.holds_for(other, checkpoint)


@given(st.sampled_from([inclusion(0).text(), inclusion(4).text(), consistency(13).text()]), st.data())
@settings(max_examples=80)
def test_a_changed_text_is_refused_or_proves_nothing_else(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.sampled_from("\n A0=+/é")) + text[at + data.draw(st.integers(0, 3)) :]
    try:
        proof = parse_proof(changed)
        checkpoint = open_note(proof.note, [LOG.keys[0].public])
    except LogRefusedError as error:
        refused = error.problem
        assert refused in {"garbage", "signature"}
        return
    if isinstance(proof, InclusionProof):
        assert not proof.holds_for(checkpoint) or proof.leaf == LOG.leaves[proof.index]
    else:
        old = open_note(LOG.checkpoint(13), [LOG.keys[0].public])
        assert not proof.holds_for(old, checkpoint) or proof.hashes == consistency(13).hashes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "old 3\n\n",
        "old 03\n\nNOTE",
        "old -1\n\nNOTE",
        "old 3\nAAAA\n\nNOTE",
        "old 3\n" + "A" * 43 + "=\n" * 64 + "\nNOTE",
        "c2sp.org/tlog-proof@v1\nindex 3\n\nNOTE",
        "c2sp.org/tlog-proof@v1\nextra AA==\nindex 3\n\nNOTE",
        "c2sp.org/tlog-proof@v1\nextra AgAA\nindex 3\n\nNOTE",
        "c2sp.org/tlog-proof@v1\nextra\n\nNOTE",
        "c2sp.org/tlog-proof@v2\nindex 3\n\nNOTE",
    ],
)
def test_what_is_no_proof_is_refused(text: str) -> None:
    with pytest.raises(LogRefusedError) as caught:
        parse_proof(text.replace("NOTE", LOG.checkpoint()))
    assert caught.value.problem == "garbage"
