"""What pool and worker say to each other, in a form that a worker under an attacker's control cannot misuse.

A request is a mode's name and an open file. An answer is a head (JSON, small) and one record of fixed size for each PDQ
hash: what a liar can make the reader build is bounded by the bytes, and each value is checked as if a stranger sent it.
"""

import json
import math
import re
import socket
import struct
import time
from typing import Any, NoReturn, get_args

from staydown_match.content import Content
from staydown_match.types import InvalidValueError, Kind, Mode, PdqHash, Problem, ProblemCode, Variant
from staydown_match.workers.confinement import Wall

MAX_HASHES = 100_000
"""How many PDQ hashes one answer can hold: those of an hour of frames that all differ."""

_MAX_HEAD_BYTES = 1 << 16
_MAX_PROBLEMS = 100
_MAX_DETAIL_CHARACTERS = 300
_MAX_SIDE_PIXELS = 1 << 31
_MEDIA_TYPE = re.compile(r"[a-z]{1,20}/[a-z0-9.+-]{1,60}")
_SIZES = struct.Struct(">II")
_RECORD = struct.Struct(">32sBBd?256s")
_VARIANTS: tuple[Variant, ...] = get_args(Variant)
_WALLS: tuple[Wall, ...] = get_args(Wall)
_TOO_MANY = Problem(code="limit", detail=f"only the first {MAX_HASHES} hashes of the file were kept")


class BadAnswerError(Exception):
    """A worker answered something that is no answer: it is not to be trusted any more."""


class GoneError(Exception):
    """The other side has closed the connection."""


class TooLateError(Exception):
    """The answer was not there in time."""


def send_walls(connection: socket.socket, walls: frozenset[Wall]) -> None:
    """Tell the pool which walls stand: a worker's first message, from before its first file."""
    connection.sendall(bytes([sum(1 << _WALLS.index(wall) for wall in walls)]))


def receive_walls(connection: socket.socket, *, deadline: float) -> frozenset[Wall]:
    """Wait for a new worker to be ready. Raises GoneError or TooLateError."""
    bits = _receive(connection, 1, deadline=deadline)[0]
    return frozenset(wall for number, wall in enumerate(_WALLS) if bits >> number & 1)


def send_request(connection: socket.socket, mode: Mode, file_descriptor: int) -> None:
    """Give the worker an open file. Raises GoneError when it cannot have got it."""
    name = mode.encode()
    try:
        socket.send_fds(connection, [bytes([len(name)]) + name], [file_descriptor])
    except OSError:
        raise GoneError from None


def receive_request(connection: socket.socket) -> tuple[Mode, int]:
    """Wait for the next request: its mode and the descriptor of its file. Raises GoneError at the end."""
    length, descriptors, _flags, _address = socket.recv_fds(connection, 1, 1)
    if not length or not descriptors:
        raise GoneError
    mode = _receive(connection, length[0], deadline=None).decode()
    return next(known for known in get_args(Mode) if known == mode), descriptors[0]


def send_answer(connection: socket.socket, content: Content, *, is_last: bool) -> None:
    """Answer with what was found; `is_last` says that this worker ends itself now."""
    kept = content.pdq[:MAX_HASHES]
    problems = content.problems if len(kept) == len(content.pdq) else (*content.problems, _TOO_MANY)
    head = {
        "kind": content.kind,
        "media_type": content.media_type,
        "width": content.width,
        "height": content.height,
        "duration_s": content.duration_s,
        "problems": [[problem.code, problem.detail] for problem in problems[:_MAX_PROBLEMS]],
        "is_last": is_last,
    }
    head_bytes = json.dumps(head).encode()
    records = b"".join(_pack(pdq) for pdq in kept)
    connection.sendall(_SIZES.pack(len(head_bytes), len(records)) + head_bytes + records)


def receive_answer(connection: socket.socket, *, deadline: float) -> tuple[Content, bool]:
    """Read an answer: the content, and whether the worker ends itself now.

    `deadline` is a time of time.monotonic(). Raises GoneError, TooLateError or BadAnswerError; after any of them the
    connection is of no more use.
    """
    head_bytes, records_bytes = _SIZES.unpack(_receive(connection, _SIZES.size, deadline=deadline))
    if head_bytes > _MAX_HEAD_BYTES or records_bytes > MAX_HASHES * _RECORD.size or records_bytes % _RECORD.size:
        raise BadAnswerError
    head = _receive(connection, head_bytes, deadline=deadline)
    records = _receive(connection, records_bytes, deadline=deadline)
    try:
        return _checked(json.loads(head, parse_constant=_refuse), records)
    except (ValueError, TypeError, KeyError, RecursionError):  # InvalidValueError too: it is a ValueError
        raise BadAnswerError from None


def _receive(connection: socket.socket, size: int, *, deadline: float | None) -> bytes:
    data = bytearray()
    while len(data) < size:
        # What has arrived by the deadline still counts: the reader may have been busy with something else.
        if deadline is not None:
            connection.settimeout(max(0.0, deadline - time.monotonic()))
        try:
            part = connection.recv(min(size - len(data), 1 << 20))
        except (TimeoutError, BlockingIOError):
            raise TooLateError from None
        except OSError:
            raise GoneError from None
        if not part:
            raise GoneError
        data += part
    return bytes(data)


def _pack(pdq: PdqHash) -> bytes:
    at_s = math.nan if pdq.at_s is None else pdq.at_s
    variant = _VARIANTS.index(pdq.variant)
    return _RECORD.pack(pdq.bits, pdq.quality, variant, at_s, bool(pdq.orientations), pdq.orientations)


def _unpack(record: tuple[bytes, int, int, float, bool, bytes]) -> PdqHash:
    bits, quality, variant, at_s, has_orientations, orientations = record
    if variant >= len(_VARIANTS) or at_s in {math.inf, -math.inf}:
        raise InvalidValueError
    return PdqHash(
        bits=bits,
        quality=quality,
        variant=_VARIANTS[variant],
        at_s=None if math.isnan(at_s) else at_s,
        orientations=orientations if has_orientations else b"",
    )


def _checked(head: dict[str, Any], records: bytes) -> tuple[Content, bool]:
    problems = head["problems"]
    if not isinstance(problems, list) or len(problems) > _MAX_PROBLEMS or type(head["is_last"]) is not bool:
        raise InvalidValueError
    content = Content(
        kind=_one_of(get_args(Kind), head["kind"]),
        media_type=_media_type(head["media_type"]),
        width=_side(head["width"]),
        height=_side(head["height"]),
        duration_s=_duration(head["duration_s"]),
        pdq=tuple(_unpack(record) for record in _RECORD.iter_unpack(records)),
        problems=tuple(_problem(code, detail) for code, detail in problems),
    )
    if not content.pdq and not content.problems:
        raise InvalidValueError  # "found nothing" and no reason for it: what no decoder says
    return content, head["is_last"]


def _one_of(known: tuple[Any, ...], value: object) -> Any:  # noqa: ANN401 - one of `known`, whatever type these have
    if value is not None and value not in known:
        raise InvalidValueError
    return value


def _media_type(value: object) -> str | None:
    if value is not None and not (isinstance(value, str) and _MEDIA_TYPE.fullmatch(value)):
        raise InvalidValueError
    return value


def _side(value: object) -> int | None:
    if value is not None and not (type(value) is int and 0 < value < _MAX_SIDE_PIXELS):
        raise InvalidValueError
    return value


def _duration(value: object) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value < math.inf:  # type: ignore[operator]  # a number, by its type
        raise InvalidValueError
    return float(value)  # type: ignore[arg-type]  # a number, by the line above


def _problem(code: object, detail: object) -> Problem:
    if code is None or not isinstance(detail, str) or len(detail) > _MAX_DETAIL_CHARACTERS or not detail.isprintable():
        raise InvalidValueError
    return Problem(code=_one_of(get_args(ProblemCode), code), detail=detail)


def _refuse(_constant: str) -> NoReturn:
    raise InvalidValueError  # NaN and infinities are no JSON
