"""staydown report --batch: report what another system has fingerprinted, by the thousand."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from staydown_client.batch import MAX_LINE_BYTES, Refused, report_lines
from staydown_client.cli.agency import hub_of, standing_as_json, standing_text
from staydown_client.cli.output import complain, tell, tell_json
from staydown_client.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from staydown_client.batch import Answer


def run(args: argparse.Namespace) -> int:
    """Report each line of the file and return the exit status."""
    if args.seen_at or args.code:
        raise ConfigurationError("--batch takes its reports whole from the file: leave --seen-at and --code out.")
    status = 0
    with _opened(args.batch) as file, hub_of(args) as hub:
        for answer in report_lines(_lines(file), send=hub.send_batch, receipt=hub.receipt_in):
            (_show_json if args.json else _show)(answer)
            status |= isinstance(answer.outcome, Refused)
    return status


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
    with file:
        yield file


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines; of one that is too long only its beginning, so that no file can fill the memory."""
    while line := file.readline(MAX_LINE_BYTES + 2):
        whole = line
        while not line.endswith(b"\n") and (line := file.readline(MAX_LINE_BYTES)):
            pass
        yield whole


def _show(answer: Answer) -> None:
    told = answer.outcome
    name = f"line {answer.line}" + (f" ({answer.reference})" if answer.reference else "")
    if isinstance(told, Refused):
        wrong = "".join(f" {field}: {message}" for field, message in told.fields)
        complain(f"{name}: {told.message}{wrong}")
    elif told.standing is None:
        tell(f"{name}: reported, item {told.item}")
    else:
        tell(f"{name}: {'reported before' if told.known else 'new'}, {standing_text(told.standing)}")


def _show_json(answer: Answer) -> None:
    told = answer.outcome
    named: dict[str, object] = {"line": answer.line, "reference": answer.reference}
    if isinstance(told, Refused):
        fields = [{"field": field, "message": message} for field, message in told.fields]
        tell_json({**named, "status": told.status, "error": told.error, "message": told.message, "fields": fields})
    elif told.standing is None:
        tell_json({**named, "item": str(told.item)})
    else:
        tell_json({**named, **standing_as_json(told.standing), "known": told.known, "sightings": told.sightings})
