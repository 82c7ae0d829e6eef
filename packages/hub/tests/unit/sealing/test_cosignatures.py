"""Cosignature lines against the standard's own words, and keys of the wrong kind."""

import base64
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from staydown_hub.sealing.cosignatures import BadCosignatureError, cosignatures_in, parse_witness_key
from staydown_hub.sealing.notes import (
    CHECKPOINT_ED25519,
    COSIGNATURE_ED25519,
    BadNoteError,
    Note,
    VerifierKey,
    checkpoint_text,
    parse_note,
    signature_line,
    signed_note,
)

SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = SECRET.public_key().public_bytes_raw()
WITNESS = VerifierKey("witness.example/w1", COSIGNATURE_ED25519, PUBLIC)
TEXT = checkpoint_text("hub.example/main", size=5, root=bytes(32))


def line(*, at_s: int = 1_679_315_147, text: str = TEXT) -> str:
    signature = SECRET.sign(f"cosignature/v1\ntime {at_s}\n{text}".encode())
    return signature_line(WITNESS.name, WITNESS.id, struct.pack(">Q", at_s) + signature)


def test_a_line_is_read_back_with_its_time() -> None:
    note = parse_note(signed_note(TEXT, signature_line("other", b"abcd", bytes(64)), line()))
    (found,) = cosignatures_in(note, [WITNESS])
    assert (found.witness, found.at_s, found.line) == (WITNESS, 1_679_315_147, line())


def test_of_two_lines_of_one_witness_the_last_counts() -> None:
    note = parse_note(signed_note(TEXT, line(at_s=1), line(at_s=2)))
    assert [one.at_s for one in cosignatures_in(note, [WITNESS])] == [2]


@settings(max_examples=50, deadline=None)
@given(position=st.integers(0, 75), flip=st.integers(1, 255))
def test_no_changed_byte_is_believed(position: int, flip: int) -> None:
    data = bytearray(base64.b64decode(line().split()[2]))
    data[position] ^= flip
    changed = f"— {WITNESS.name} {base64.b64encode(bytes(data)).decode()}\n"
    note = parse_note(signed_note(TEXT, changed))
    if position < 4:
        assert cosignatures_in(note, [WITNESS]) == [], "another key's"
    else:
        with pytest.raises(BadCosignatureError):
            cosignatures_in(note, [WITNESS])


def test_a_signature_of_another_text_or_without_a_time_is_not_believed() -> None:
    other = checkpoint_text("hub.example/main", size=6, root=bytes(32))
    plain = signature_line(WITNESS.name, WITNESS.id, SECRET.sign(TEXT.encode()))
    for wrong in (line(text=other), plain):
        with pytest.raises(BadCosignatureError):
            cosignatures_in(parse_note(signed_note(TEXT, wrong)), [WITNESS])


def test_no_witness_no_cosignature() -> None:
    assert cosignatures_in(Note(TEXT, ()), []) == []
    assert cosignatures_in(parse_note(signed_note(TEXT, line())), []) == []


def test_a_logs_key_is_no_witnesss() -> None:
    assert parse_witness_key(WITNESS.text) == WITNESS
    with pytest.raises(BadNoteError, match="log's key"):
        parse_witness_key(VerifierKey("hub.example/main", CHECKPOINT_ED25519, PUBLIC).text)
