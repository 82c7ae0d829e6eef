"""Hashes in, verdicts out: the JSON and the compact form of POST /v1/lookup (docs/reference/sidecar.md)."""

from __future__ import annotations

import json
import math
import struct
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final, Literal

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from staydown_client.policy import MIN_QUALITY
from staydown_client.sidecar.answers import NO_STORE, Answer, bad_field, refused
from staydown_client.sidecar.metrics import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from staydown_client.entries import ExactAlgorithm
    from staydown_client.filter import LookUp
    from staydown_client.verdict import Action, Verdict

MAX_FINGERPRINTS: Final = 1000
COMPACT_TYPE: Final = "application/vnd.staydown.lookup"
_QUESTION: Final = struct.Struct(">4sBBH")
_ANSWER: Final = struct.Struct(">4sBBHqdI")
_REASON: Final = struct.Struct(">HQB")
_ASK: Final = b"SDL\x01"
_TELL: Final = b"SDA\x01"
_VARIANTS, _UNRECORDED = 1, 2
_SIZES: Final[Mapping[ExactAlgorithm, int]] = {"md5": 16, "sha1": 20, "sha256": 32}
_COMPACT_ALGORITHMS: Final[tuple[ExactAlgorithm, ...]] = ("md5", "sha1", "sha256")
_PDQ_BYTES: Final = 32
_COMPACT_HEADERS: Final = (("content-type", COMPACT_TYPE), NO_STORE)
_HEX: Final = frozenset("0123456789abcdef")


@dataclass(slots=True)
class Question:
    """What one call asks. `exact_rows` and `near_rows` say which of its fingerprints each query is.

    `poor` are the rows of hashes that are not good enough to be compared.
    """

    count: int
    exact: Sequence[tuple[ExactAlgorithm, bytes]]
    exact_rows: Sequence[int]
    hashes: NDArray[np.uint8]
    near_rows: Sequence[int]
    poor: Sequence[int] = ()
    variants: bool = False
    record: bool = True
    reference: str | None = None


@dataclass(slots=True)
class Judged:
    """What follows: the verdict of most rows, and by row those that met an entry or could not be compared."""

    count: int
    otherwise: Verdict
    special: dict[int, Verdict]
    poor: Sequence[int]

    def actions(self) -> dict[Action, int]:
        """Return how often each action follows."""
        found: dict[Action, int] = {}
        for verdict in self.special.values():
            found[verdict.action] = found.get(verdict.action, 0) + 1
        if self.poor:
            found["unchecked"] = found.get("unchecked", 0) + len(self.poor)
        rest = self.count - len(self.special) - len(self.poor)
        if rest:
            found[self.otherwise.action] = found.get(self.otherwise.action, 0) + rest
        return found


class _Fingerprint(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    algorithm: Literal["md5", "sha1", "sha256", "pdq"]
    value: str
    quality: int | UnsetType = UNSET


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    fingerprints: list[_Fingerprint]
    variants: bool = False
    record: bool = True
    reference: str | None = None


_decode: Final = msgspec.json.Decoder(_Asked).decode


def read_json(body: bytes, *, min_quality: int = MIN_QUALITY) -> Question:
    """Read the JSON form; refuse the first thing that is wrong, by its name."""
    # What is right is read by types, in a fifth of the time; all else is read again, to say what is wrong with it.
    question = _read_right(body, min_quality)
    return read_json_slowly(body, min_quality=min_quality) if question is None else question


def _read_right(body: bytes, min_quality: int) -> Question | None:
    try:
        asked = _decode(body)
        question = _rows_of(asked.fingerprints, min_quality)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None
    question.variants, question.record, question.reference = asked.variants, asked.record, asked.reference
    return question


def _rows_of(fingerprints: list[_Fingerprint], min_quality: int) -> Question:
    """Return the question that is asked; raise ValueError for whatever is wrong with it."""
    exact: list[tuple[ExactAlgorithm, bytes]] = []
    exact_rows: list[int] = []
    bits: list[bytes] = []
    near_rows: list[int] = []
    poor: list[int] = []
    if not 0 < len(fingerprints) <= MAX_FINGERPRINTS:
        raise ValueError
    for row, fingerprint in enumerate(fingerprints):
        algorithm, quality = fingerprint.algorithm, fingerprint.quality
        if algorithm != "pdq":
            if quality is not UNSET:
                raise ValueError
            exact.append((algorithm, _digest(fingerprint.value, _SIZES[algorithm])))
            exact_rows.append(row)
            continue
        value = _digest(fingerprint.value, _PDQ_BYTES)
        if quality is UNSET or not 0 <= quality <= 100:  # noqa: PLR2004 - as in the wire form
            raise ValueError
        if quality < min_quality:
            poor.append(row)
        else:
            bits.append(value)
            near_rows.append(row)
    hashes = np.frombuffer(b"".join(bits), np.uint8).reshape(-1, _PDQ_BYTES)
    return Question(len(fingerprints), exact, exact_rows, hashes, near_rows, poor)


def _digest(text: str, size_bytes: int) -> bytes:
    digest = bytes.fromhex(text)
    # fromhex alone takes spaces and capitals, too.
    if len(digest) != size_bytes or digest.hex() != text:
        raise ValueError
    return digest


def read_json_slowly(body: bytes, *, min_quality: int = MIN_QUALITY) -> Question:
    """Do as `read_json`, value by value."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise refused(400, "bad_json", "The body is not well-formed JSON.") from None
    if not isinstance(asked, dict):
        raise bad_field("body", "must be an object")
    for name in asked:
        if name not in {"fingerprints", "variants", "record", "reference"}:
            raise bad_field(name[:100], "is not known; there are fingerprints, variants, record and reference")
    rows = asked.get("fingerprints")
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_FINGERPRINTS:
        raise bad_field("fingerprints", f"must be an array of 1 to {MAX_FINGERPRINTS}")
    question = _read_rows(rows, min_quality)
    question.variants = _read_flag(asked, "variants", otherwise=False)
    question.record = _read_flag(asked, "record", otherwise=True)
    question.reference = _read_reference(asked.get("reference"))
    return question


def _read_rows(rows: list[object], min_quality: int) -> Question:
    exact: list[tuple[ExactAlgorithm, bytes]] = []
    exact_rows: list[int] = []
    bits: list[bytes] = []
    near_rows: list[int] = []
    poor: list[int] = []
    for row, fingerprint in enumerate(rows):
        if not isinstance(fingerprint, dict):
            raise bad_field(f"fingerprints.{row}", "must be an object")
        algorithm = fingerprint.get("algorithm")
        if algorithm == "pdq":
            value = _read_hex(fingerprint, row, size_bytes=_PDQ_BYTES, fields=3)
            quality = fingerprint.get("quality")
            if type(quality) is not int or not 0 <= quality <= 100:  # noqa: PLR2004 - as in the wire form
                raise bad_field(f"fingerprints.{row}.quality", "must be a whole number from 0 to 100")
            if quality < min_quality:
                poor.append(row)
            else:
                bits.append(value)
                near_rows.append(row)
        else:
            name = _exact_algorithm(algorithm, row)
            exact.append((name, _read_hex(fingerprint, row, size_bytes=_SIZES[name], fields=2)))
            exact_rows.append(row)
    hashes = np.frombuffer(b"".join(bits), np.uint8).reshape(-1, _PDQ_BYTES)
    return Question(len(rows), exact, exact_rows, hashes, near_rows, poor)


def _exact_algorithm(value: object, row: int) -> ExactAlgorithm:
    for known in _COMPACT_ALGORITHMS:
        if value == known:
            return known
    raise bad_field(f"fingerprints.{row}.algorithm", "must be md5, sha1, sha256 or pdq")


def _read_hex(fingerprint: dict[str, object], row: int, *, size_bytes: int, fields: int) -> bytes:
    value = fingerprint.get("value")
    # fromhex alone takes spaces and capitals, too.
    if not isinstance(value, str) or len(value) != 2 * size_bytes or not _HEX.issuperset(value):
        raise bad_field(f"fingerprints.{row}.value", f"must be {2 * size_bytes} lower-case hexadecimal digits")
    if len(fingerprint) != fields:
        raise bad_field(f"fingerprints.{row}", "has fields that are not known")
    return bytes.fromhex(value)


def _read_flag(asked: Mapping[str, object], name: str, *, otherwise: bool) -> bool:
    value = asked.get(name, otherwise)
    if not isinstance(value, bool):
        raise bad_field(name, "must be true or false")
    return value


def _read_reference(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise bad_field("reference", "must be a text")
    return value


def tell_json(judged: Judged, list_name: str) -> Answer:
    """Answer in JSON: an action for each fingerprint in order, and the reasons of those that have any."""
    otherwise = judged.otherwise
    # Put together by hand: most answers hold nothing but actions, and a thousand of them are told in one.
    actions = [f'"{otherwise.action}"'] * judged.count
    for row in judged.poor:
        actions[row] = '"unchecked"'
    for row, verdict in judged.special.items():
        actions[row] = f'"{verdict.action}"'
    found = [_found(row, judged.special[row]) for row in sorted(judged.special)]
    position, age_s = otherwise.list_position, otherwise.list_age_s
    text = (
        f'{{"list":"{list_name}","list_position":{"null" if position is None else position},'
        f'"list_age_s":{"null" if age_s is None or not math.isfinite(age_s) else f"{age_s:.6f}"},'
        f'"degraded":{"true" if otherwise.degraded else "false"},'
        f'"problems":{json.dumps(otherwise.as_json()["problems"]) if otherwise.problems else "[]"},'
        f'"actions":[{",".join(actions)}],"found":{json.dumps(found) if found else "[]"}}}'
    )
    return Answer(200, text.encode())


def _found(row: int, verdict: Verdict) -> dict[str, object]:
    told = verdict.as_json()
    return {"index": row, **{name: told[name] for name in ("action", "reasons", "overruled")}}


def read_compact(body: bytes) -> Question:
    """Read the compact form: fingerprints of one algorithm, one after another."""
    if len(body) < _QUESTION.size:
        raise bad_field("body", "is too short for its header")
    magic, algorithm, flags, count = _QUESTION.unpack_from(body)
    if magic != _ASK:
        raise bad_field("body", "does not begin with SDL and a byte of 1")
    if not 0 < count <= MAX_FINGERPRINTS:
        raise bad_field("count", f"must be 1 to {MAX_FINGERPRINTS}")
    if algorithm > len(_COMPACT_ALGORITHMS):
        raise bad_field("algorithm", "must be 0 (pdq), 1 (md5), 2 (sha1) or 3 (sha256)")
    if flags & ~(_VARIANTS | _UNRECORDED):
        raise bad_field("flags", "has bits that are not known")
    size_bytes = _SIZES[_COMPACT_ALGORITHMS[algorithm - 1]] if algorithm else _PDQ_BYTES
    if len(body) != _QUESTION.size + count * size_bytes:
        raise bad_field("body", f"must hold {count} fingerprints of {size_bytes} bytes after its header")
    question = _compact_question(body, algorithm, count, size_bytes)
    question.variants, question.record = bool(flags & _VARIANTS), not flags & _UNRECORDED
    return question


def _compact_question(body: bytes, algorithm: int, count: int, size_bytes: int) -> Question:
    rows = range(count)
    if algorithm == 0:
        hashes = np.frombuffer(body, np.uint8, offset=_QUESTION.size).reshape(count, _PDQ_BYTES)
        return Question(count, (), (), hashes, rows)
    name = _COMPACT_ALGORITHMS[algorithm - 1]
    starts = range(_QUESTION.size, len(body), size_bytes)
    exact = [(name, body[start : start + size_bytes]) for start in starts]
    return Question(count, exact, rows, np.empty((0, _PDQ_BYTES), np.uint8), ())


def tell_compact(judged: Judged) -> Answer:
    """Answer in the compact form: a byte for each fingerprint, then the reasons."""
    otherwise = judged.otherwise
    actions = bytearray([ACTIONS.index(otherwise.action)]) * judged.count
    reasons = bytearray()
    number = 0
    for row in sorted(judged.special):
        verdict = judged.special[row]
        actions[row] = ACTIONS.index(verdict.action)
        for reason in verdict.reasons:
            reasons += _REASON.pack(row, reason.position, reason.distance_bits)
            number += 1
    position = -2 if otherwise.list_position is None else otherwise.list_position
    age_s = float("nan") if otherwise.list_age_s is None else otherwise.list_age_s
    header = _ANSWER.pack(_TELL, otherwise.degraded, 0, judged.count, position, age_s, number)
    return Answer(200, header + actions + reasons, _COMPACT_HEADERS)


def judged_from(question: Question, found: LookUp) -> Judged:
    """Put verdicts back to the rows of the question."""
    special = {question.exact_rows[row]: verdict for row, verdict in found.exact.items()}
    special.update((question.near_rows[row], verdict) for row, verdict in found.near.items())
    return Judged(question.count, found.otherwise, special, question.poor)


def together(questions: Sequence[Question]) -> tuple[Question, list[int]]:
    """Return one question that asks for all of them, and where the rows of each begin in it."""
    if len(questions) == 1:
        return questions[0], [0]
    starts = [0, *accumulate(question.count for question in questions[:-1])]
    pairs = list(zip(questions, starts, strict=True))
    joined = Question(
        count=starts[-1] + questions[-1].count,
        exact=[each for question in questions for each in question.exact],
        exact_rows=[start + row for question, start in pairs for row in question.exact_rows],
        hashes=np.concatenate([question.hashes for question in questions]),
        near_rows=[start + row for question, start in pairs for row in question.near_rows],
    )
    return joined, starts


def apart(judged: Judged, questions: Sequence[Question], starts: Sequence[int]) -> list[Judged]:
    """Return for each of the questions that were asked together what follows for it alone."""
    found = [Judged(question.count, judged.otherwise, {}, question.poor) for question in questions]
    for row, verdict in judged.special.items():
        number = bisect_right(starts, row) - 1
        found[number].special[row - starts[number]] = verdict
    return found
