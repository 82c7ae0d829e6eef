"""Reporting thousands of items in one call: a report a line comes in, an answer a line goes out as it is committed."""

import json
import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Router
from pydantic import BaseModel, ValidationError

from staydown_hub.api.access import Key, actor, caller, note_refusal
from staydown_hub.api.edge import LINES
from staydown_hub.api.errors import field_message
from staydown_hub.api.lines import MAX_LINE_BYTES, BrokenOffError, lines_of
from staydown_hub.api.reports import ReportForm
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import ErrorAnswer, Reference, StandingForm, Strict, WrongFieldForm, standing_forms
from staydown_hub.organisations.errors import NotTrainedError
from staydown_hub.registry import queries
from staydown_hub.registry.batches import BatchReport, Taken, report_batch
from staydown_hub.registry.errors import NearMatchAwayError, RegistryError

router = Router(tags=["reports"])

MAX_REPORTS: Final = 10_000
# Written in one transaction each; while it lasts nobody else opens an item.
_REPORTS_A_GROUP: Final = 500
_BYTES_A_GROUP: Final = 4 * 1024 * 1024
_MAX_FIELDS: Final = 20
_log = logging.getLogger(__name__)


class BatchReportForm(ReportForm):
    """A report of a batch. `reference` is the reporter's own: sent again with the same content, it is the same."""

    reference: Reference

    def report(self) -> BatchReport:
        """Return it as the registry takes it."""
        return BatchReport(
            reference=self.reference,
            kind=self.kind,
            fingerprints=tuple(self.plain()),
            addresses=tuple(one.seen() for one in self.sightings),
            code=self.assessment.code if self.assessment else None,
            scheme=self.assessment.scheme if self.assessment else None,
        )


class RowTaken(Strict):
    """The answer to a report that was taken; what a key without the scope `read` gets ends with `item`."""

    row: int
    status: int
    reference: str
    item: UUID
    known: bool | None = None
    standing: StandingForm | None = None
    sightings: int | None = None


class RowRefused(ErrorAnswer):
    """The answer to a report that was not taken, in the shape of all errors; nothing of that row was kept."""

    row: int
    status: int
    reference: str | None


class BatchEnd(Strict):
    """The last line of a whole answer: how many reports were answered."""

    rows: int


def _described(line: type[BaseModel]) -> dict[str, Any]:
    """Return a line's form for the OpenAPI file, which has what it consists of from other routes."""
    form = line.model_json_schema(ref_template="#/components/schemas/{model}")
    return {name: value for name, value in form.items() if name != "$defs"}


_ANSWERED: Final = {"oneOf": [_described(one) for one in (RowTaken, RowRefused, BatchEnd)]}
_DESCRIBED: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {LINES: {"schema": _described(BatchReportForm)}}},
    "responses": {200: {"description": "One object a line", "content": {LINES: {"schema": _ANSWERED}}}},
}


@router.post("/reports/batch", auth=Key("report"), response=answers(has_body=True), openapi_extra=_DESCRIBED)
def make_reports(request: HttpRequest) -> StreamingHttpResponse:
    """Report up to 10,000 items, one JSON object a line (`application/x-ndjson`), each as for POST /reports.

    Each is answered on a line of its own as soon as it is committed, with its place (`row`, from 0), the status that a
    single report would have and its `reference`; read the answer while you send. A row that is refused keeps no other
    from being taken. The last line, `{"rows": n}`, says that all were answered: without it, send the batch again; what
    was taken is known by its reference and counts once. The same reference with another content is refused (409).
    """
    return StreamingHttpResponse(_Batch(request).answered(), content_type=LINES)


class _Batch:
    """One call: its reports are taken in groups, and answered in the order in which they came."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._actor = actor(request)
        self._scopes = caller(request).scopes
        self._is_refusal_noted = False
        self._answers: dict[int, dict[str, Any]] = {}
        self._reports: dict[int, BatchReport] = {}

    def answered(self) -> Iterator[bytes]:
        """Yield the answers' lines, a group at a time."""
        try:
            rows = 0
            size_bytes = 0
            for line in lines_of(self._request):
                if rows == MAX_REPORTS:
                    message = f"A batch has at most {MAX_REPORTS:,} reports: send this one and the rest in another."
                    self._refuse(rows, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", message)
                    break
                self._read(rows, line)
                rows += 1
                size_bytes += len(line or b"")
                if len(self._reports) >= _REPORTS_A_GROUP or size_bytes >= _BYTES_A_GROUP:
                    size_bytes = 0
                    yield self._taken()
            yield self._taken()
            yield _line({"rows": rows})
        except BrokenOffError:
            return
        except Exception as error:  # noqa: BLE001 -- the answer has begun: that it has no last line says that it broke off
            _log.error("a batch broke off", exc_info=error)
            return

    def _read(self, row: int, line: bytes | None) -> None:
        if line is None:
            message = f"A line has at most {MAX_LINE_BYTES:,} bytes."
            self._refuse(row, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", message)
            return
        try:
            form = BatchReportForm.model_validate_json(line)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
            fields = [
                WrongFieldForm(field=".".join(map(str, one["loc"])) or "row", message=field_message(dict(one)))
                for one in found[:_MAX_FIELDS]
            ]
            message = "Correct the named fields and send this report again."
            self._refuse(row, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", message, fields=fields)
            return
        if form.assessment and "assess" not in self._scopes:
            self._note_refusal()
            message = (
                "An assessment needs a key with the scope assess: leave it out, or ask the hub's operator for one."
            )
            self._refuse(row, HTTPStatus.FORBIDDEN, "forbidden", message, reference=form.reference)
            return
        self._reports[row] = form.report()

    def _refuse(
        self,
        row: int,
        status: HTTPStatus,
        code: str,
        message: str,
        *,
        fields: list[WrongFieldForm] | None = None,
        reference: str | None = None,
    ) -> None:
        refused = RowRefused(
            row=row, status=status, reference=reference, error=code, message=message, fields=fields or []
        )
        self._answers[row] = refused.model_dump(mode="json")

    def _note_refusal(self) -> None:
        """Write once a call that it held what the caller may not say."""
        if not self._is_refusal_noted:
            note_refusal(caller(self._request), route=self._request.path, status=HTTPStatus.FORBIDDEN)
        self._is_refusal_noted = True

    def _taken(self) -> bytes:
        """Take the group's reports, and return the lines of all that were read since the last one."""
        outcomes = dict(zip(self._reports, report_batch(self._actor, list(self._reports.values())), strict=True))
        taken = {row: outcome for row, outcome in outcomes.items() if isinstance(outcome, Taken)}
        for row, outcome in outcomes.items():
            if not isinstance(outcome, Taken):
                self._refuse_outcome(row, outcome)
        self._answers |= self._told(taken)
        lines = b"".join(_line(self._answers[row]) for row in sorted(self._answers))
        self._answers.clear()
        self._reports.clear()
        return lines

    def _refuse_outcome(self, row: int, error: RegistryError | NotTrainedError) -> None:
        status, code = HTTPStatus.CONFLICT, "conflict"
        if isinstance(error, NearMatchAwayError):
            status, code = HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"
        elif isinstance(error, NotTrainedError):
            status, code = HTTPStatus.FORBIDDEN, "forbidden"
            self._note_refusal()
        self._refuse(row, status, code, str(error), reference=self._reports[row].reference)

    def _told(self, taken: dict[int, Taken]) -> dict[int, dict[str, Any]]:
        """Return the answers to what was taken: no more than its item for a key that may not read."""
        told: dict[int, dict[str, Any]] = {
            row: {"row": row, "status": 200, "reference": self._reports[row].reference, "item": str(one.item)}
            for row, one in taken.items()
        }
        if "read" not in self._scopes or not taken:
            return told
        items = {one.item for one in taken.values()}
        standings = {
            item: form.model_dump(mode="json")
            for item, form in standing_forms(items, who=caller(self._request)).items()
        }
        seen = queries.count_sightings(items)
        for row, one in taken.items():
            told[row] |= {
                "status": int(HTTPStatus.OK if one.known else HTTPStatus.CREATED),
                "known": one.known,
                "standing": standings[one.item],
                "sightings": seen.get(one.item, 0),
            }
        return told


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode() + b"\n"
