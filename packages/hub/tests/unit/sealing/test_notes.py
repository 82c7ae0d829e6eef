"""Notes and keys from outside: read strictly, refused in our own words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staydown_hub.sealing.keys import FileKey
from staydown_hub.sealing.notes import (
    BadNoteError,
    VerifierKey,
    checkpoint_text,
    is_name,
    parse_checkpoint,
    parse_note,
    parse_vkey,
    signature_line,
    signed_note,
)

KEY = FileKey.from_seed("hub.example/main", bytes(32))
TEXT = checkpoint_text("hub.example/main", size=3, root=bytes(32))
LINE = signature_line(KEY.name, KEY.id, KEY.sign(TEXT.encode()))
VKEY = VerifierKey(KEY.name, 1, KEY.public_key).text


def test_a_note_reads_as_written() -> None:
    note = parse_note(signed_note(TEXT, LINE, LINE))
    assert note.text == TEXT
    assert [one.key_id for one in note.signatures] == [KEY.id, KEY.id]


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        TEXT + "\n",
        TEXT + LINE,
        signed_note(TEXT, LINE)[:-1],
        signed_note(TEXT, LINE) + "\n",
        signed_note(TEXT, LINE.replace("—", "-")),
        signed_note(TEXT, LINE.replace(" hub", "  hub")),
        signed_note(TEXT, "— hub.example/main AAAA\n"),
        signed_note(TEXT, "— hub.example/main AAAAAAA\n"),
        signed_note(TEXT, "— hub+example AAAAAAAAAAAA\n"),
        signed_note(TEXT, *[LINE] * 101),
        signed_note("x" * 70_000 + "\n", LINE),
    ],
)
def test_other_texts_are_no_notes(note: str) -> None:
    with pytest.raises(BadNoteError):
        parse_note(note)


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("\n3\n", "\n03\n"),
        ("\n3\n", "\n-3\n"),
        ("\n3\n", "\n\uff13\n"),
        ("\n3\n", "\n" + "9" * 20 + "\n"),
        ("hub.example", "hub example"),
        ("hub.example", "hub+example"),
        ("AA=", "AB="),
        ("AA=", "A="),
        ("=\n", "=\nmore\n"),
        ("=\n", "="),
    ],
)
def test_other_texts_are_no_checkpoints(part: str, other: str) -> None:
    assert part in TEXT
    with pytest.raises(BadNoteError):
        parse_checkpoint(TEXT.replace(part, other))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        VKEY[:-4],
        VKEY.replace("hub", "hob"),
        VKEY.replace("main+", "main +"),
        VKEY + "\n",
        "a+00000000+AQ==",
    ],
)
def test_other_texts_are_no_keys(text: str) -> None:
    assert parse_vkey(VKEY).text == VKEY
    with pytest.raises(BadNoteError):
        parse_vkey(text)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (parse_note, parse_checkpoint, parse_vkey):
        with pytest.raises(BadNoteError):
            read(text)


def test_names() -> None:
    assert all(is_name(one) for one in ("hub.example/main", "127.0.0.1:8600/main", "ä"))
    assert not any(is_name(one) for one in ("", "a b", "a+b", "a\n", "a\x7f", "a\u2003b"))
