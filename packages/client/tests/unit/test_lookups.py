"""The quick reading of a lookup says what the slow, obvious one says: the same question, or the same refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from staydown_client.filter import LookUp
from staydown_client.sidecar.answers import RefusedError
from staydown_client.sidecar.lookups import (
    Judged,
    Question,
    apart,
    judged_from,
    read_json,
    read_json_slowly,
    tell_json,
    together,
)
from staydown_client.verdict import Problem, Verdict

HEX = "0123456789abcdef"
SIZES = {"md5": 32, "sha1": 40, "sha256": 64, "pdq": 64}
ODD: list[Any] = [None, True, False, 0, 1, 50, 97.0, 97.5, 1e300, 2**70, -1, "", "1", "pdq", [], {}]
ODD += ["0F" * 32, " f" * 32]


@st.composite
def fingerprints(draw: st.DrawFn) -> dict[str, Any]:
    algorithm = draw(st.sampled_from(sorted(SIZES)))
    found: dict[str, Any] = {
        "algorithm": algorithm,
        "value": draw(st.text(HEX, min_size=SIZES[algorithm], max_size=SIZES[algorithm])),
    }
    if algorithm == "pdq":
        found["quality"] = draw(st.integers(0, 100))
    return found


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    asked: dict[str, Any] = {"fingerprints": draw(st.lists(fingerprints(), min_size=1, max_size=4))}
    for name, values in (("variants", st.booleans()), ("record", st.booleans()), ("reference", st.text(max_size=5))):
        if draw(st.booleans()):
            asked[name] = draw(values)
    for _ in range(draw(st.integers(0, 2))):
        where = draw(st.sampled_from([asked, *(each for each in asked["fingerprints"] if isinstance(each, dict))]))
        name = draw(st.sampled_from([*where, "quality", "value", "more"]))
        if draw(st.booleans()):
            where[name] = draw(st.sampled_from(ODD))
        else:
            where.pop(name, None)
        if not isinstance(asked.get("fingerprints"), list):
            break
    text = json.dumps(asked, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    cut = draw(st.integers(0, 3))
    return text[: len(text) - cut] if cut == 1 else text


def told(question: Question) -> tuple[object, ...]:
    return (
        question.count,
        list(question.exact),
        list(question.exact_rows),
        question.hashes.tobytes(),
        question.hashes.shape,
        list(question.near_rows),
        list(question.poor),
        question.variants,
        question.record,
        question.reference,
    )


def outcome(read: Any, body: bytes) -> object:  # noqa: ANN401 - either reader
    try:
        return told(read(body, min_quality=50))
    except RefusedError as error:
        return error.answer


@given(bodies())
@settings(max_examples=300, deadline=None)
def test_both_readings_agree(body: bytes) -> None:
    assert outcome(read_json, body) == outcome(read_json_slowly, body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[" * 10_000,
        b'{"fingerprints":[],"fingerprints":[{"algorithm":"md5","value":"' + b"a" * 32 + b'"}]}',
        b'{"fingerprints":[{"algorithm":"md5","value":"' + b"a" * 32 + b'"}]} x',
        b'\xef\xbb\xbf{"fingerprints":[]}',
        b'{"fingerprints":[{"algorithm":"pdq","value":"' + b"a" * 64 + b'","quality":null}]}',
        b'{"fingerprints":[{"algorithm":"md5","value":"' + b"a" * 32 + b'","quality":null}]}',
        b'{"fingerprints":[{"algorithm":"pdq","value":"' + b"a" * 64 + b'","quality":NaN}]}',
        b'{"fingerprints":[{"algorithm":"pdq","value":"' + b"a" * 64 + b'","quality":9e1}]}',
        json.dumps({"fingerprints": [{"algorithm": "md5", "value": "a" * 32}] * 1001}).encode(),
    ],
)
def test_both_readings_agree_about_what_is_odd(body: bytes) -> None:
    assert outcome(read_json, body) == outcome(read_json_slowly, body)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    rows = draw(st.lists(st.sampled_from(["md5", "pdq", "poor"]), min_size=1, max_size=4))
    wire = [
        {"algorithm": "md5", "value": f"{draw(st.integers(0, 99)):032x}"}
        if row == "md5"
        else {"algorithm": "pdq", "value": f"{draw(st.integers(0, 99)):064x}", "quality": 0 if row == "poor" else 100}
        for row in rows
    ]
    return read_json(json.dumps({"fingerprints": wire}).encode())


@given(st.lists(questions(), min_size=1, max_size=5))
@settings(max_examples=100, deadline=None)
def test_questions_asked_together_are_answered_as_if_each_were_asked_alone(asked: list[Question]) -> None:
    def judged(question: Question) -> Judged:
        """Judge each fingerprint by its value alone, and let every other one pass."""
        near = {row: verdict(bits.tobytes().hex()) for row, bits in enumerate(question.hashes) if bits[-1] % 2}
        exact = {row: verdict(value.hex()) for row, (_, value) in enumerate(question.exact) if value[-1] % 2}
        return judged_from(question, LookUp(otherwise=verdict("otherwise"), exact=exact, near=near))

    joined, starts = together(asked)
    found = apart(judged(joined), asked, starts)
    assert found == [judged(each) for each in asked]
    assert [tell_json(each, "list").body for each in found] == [tell_json(judged(each), "list").body for each in asked]


def verdict(word: str) -> Verdict:
    return Verdict("hold", (), (Problem("word", word),), 7, 1.0)
