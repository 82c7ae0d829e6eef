"""Reports by the thousand: each on a line under the reporter's own reference, sent again until all are answered."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from staydown_client.backoff import Backoff
from staydown_client.errors import HubMisbehavedError, HubUnavailableError
from staydown_client.printable import printable
from staydown_client.wire import integer_at, known_fields_at, list_at, object_at, parse_json, refuse, text_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from staydown_client.hub import Receipt

# The hub answers such a group only when it has it whole: nobody has to read while the other one waits to write.
REPORTS_A_CALL: Final = 500
BYTES_A_CALL: Final = 2 * 1024 * 1024
MAX_LINE_BYTES: Final = 1024 * 1024
_ATTEMPTS: Final = 8
_TEXT = re.compile(r"[^\x00-\x1f\x7f]{0,500}")
_WORD = re.compile(r"[a-z_]{1,64}")
_REFERENCE = re.compile(r"[!-~]{1,200}")


@dataclass(frozen=True, slots=True)
class Refused:
    """A report that the hub did not take: HTTP's status, the hub's own word for the reason, and what to do.

    `fields` are the wrong fields, each with what is wrong with it.
    """

    status: int
    error: str
    message: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of the report on this line (from 1) of what was sent; `reference` is None where none was read."""

    line: int
    reference: str | None
    outcome: Receipt | Refused


def report_lines(
    lines: Iterable[bytes],
    *,
    send: Callable[[Sequence[bytes]], list[bytes]],
    receipt: Callable[[object], Receipt],
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[Answer]:
    """Send reports, a line each as docs/reference/staydown.md says, and yield what became of each, in their order.

    `send` is given lines and returns the hub's, as `Hub.send_batch`; `receipt` reads an answer to a report. What the
    hub took before it fell silent is known to it by its reference: sending it again doubles nothing. Raises a
    `HubError` when it stays away, or refuses the whole.
    """
    for numbers, group in _groups(lines):
        yield from _answers(numbers, _sent(group, send=send, wait=wait), receipt)


def _groups(lines: Iterable[bytes]) -> Iterator[tuple[list[int], list[bytes]]]:
    numbers: list[int] = []
    group: list[bytes] = []
    size_bytes = 0
    for number, line in enumerate(lines, 1):
        # A line that the hub would not take whole is cut, and so refused by it as what it is: too long.
        text = line.strip()[: MAX_LINE_BYTES + 1]
        if not text:
            continue
        if group and (len(group) == REPORTS_A_CALL or size_bytes + len(text) > BYTES_A_CALL):
            yield numbers, group
            numbers, group, size_bytes = [], [], 0
        numbers.append(number)
        group.append(text)
        size_bytes += len(text)
    if group:
        yield numbers, group


def _sent(
    group: list[bytes], *, send: Callable[[Sequence[bytes]], list[bytes]], wait: Callable[[float], None]
) -> list[dict[str, object]]:
    """Send until every report is answered; return the answers."""
    waits = Backoff()
    for attempt in range(_ATTEMPTS):
        try:
            return _whole(send(group), rows=len(group))
        except HubUnavailableError:
            if attempt + 1 == _ATTEMPTS:
                raise
            wait(waits.next_s())
    raise AssertionError("the last attempt raises")


def _whole(lines: list[bytes], *, rows: int) -> list[dict[str, object]]:
    """Return the answers of a whole answer, in the order of the reports."""
    told = [_object(line) for line in lines]
    if not told or told[-1] != {"rows": rows}:
        raise HubUnavailableError("The hub broke off before it had answered every report.")
    answers = told[:-1]
    if [one.get("row") for one in answers] != list(range(rows)):
        raise HubMisbehavedError("The hub's answer was refused: it does not answer each report once, in order.")
    if any(one.get("status") == HTTPStatus.SERVICE_UNAVAILABLE for one in answers):
        raise HubUnavailableError("The hub cannot take reports at the moment.")
    return answers


def _object(line: bytes) -> dict[str, object]:
    parsed = parse_json(line)
    if not isinstance(parsed, dict):
        refuse("answer", "must be one object a line")
    return parsed


def _answers(
    numbers: list[int], answers: list[dict[str, object]], receipt: Callable[[object], Receipt]
) -> Iterator[Answer]:
    for number, answer in zip(numbers, answers, strict=True):
        given = answer.get("reference")
        reference = None if given is None else text_at(given, "reference", pattern=_REFERENCE, meaning="a reference")
        yield Answer(number, reference, _refused(answer) if "error" in answer else receipt(answer))


def _refused(answer: object) -> Refused:
    told = known_fields_at(answer, "answer", fields=("status", "error", "message", "fields"))
    wrong = [
        object_at(one, "fields", fields=("field", "message"))
        for one in list_at(told["fields"], "fields", max_length=100)
    ]
    return Refused(
        status=integer_at(told["status"], "status", low=400, high=599),
        error=text_at(told["error"], "error", pattern=_WORD, meaning="a word"),
        message=_shown(told["message"], "message"),
        fields=tuple((_shown(one["field"], "fields.field"), _shown(one["message"], "fields.message")) for one in wrong),
    )


def _shown(value: object, where: str) -> str:
    return printable(text_at(value, where, pattern=_TEXT, meaning="a short text"))
