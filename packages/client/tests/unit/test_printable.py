"""Text from outside never moves the cursor, breaks the line or fails to print."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from staydown_client.printable import printable


def test_ordinary_text_stays_as_it_is() -> None:
    assert printable("Überraschung 사진.jpg") == "Überraschung 사진.jpg"


def test_escapes_line_breaks_direction_marks_and_undecodable_bytes_are_spelt_out() -> None:
    assert printable("a\x1b[2J\nb\u202ec\udcff") == "a\\x1b[2J\\nb\\u202ec\\udcff"


@given(st.text(st.characters()))
def test_the_result_is_always_one_printable_line(text: str) -> None:
    assert printable(text).isprintable()
    printable(text).encode("utf-8")
