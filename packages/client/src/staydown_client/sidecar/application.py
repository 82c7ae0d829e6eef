"""Answers a sidecar's requests in one worker process: lookups at once, files through a bounded queue."""

from __future__ import annotations

import asyncio
import errno
import hmac
import logging
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from staydown_match import FingerprintPool, StartError

from staydown_client.errors import BadValueError, FolderError
from staydown_client.filter import Filter
from staydown_client.gauges import status_lines
from staydown_client.local.outbox import checked_reference
from staydown_client.sidecar.answers import (
    NO_STORE,
    Answer,
    RefusedError,
    as_json,
    as_text,
    bad_field,
    busy,
    no_room,
    refused,
)
from staydown_client.sidecar.bodies import Budget, chunks, spooled
from staydown_client.sidecar.forms import boundary_of, take_file
from staydown_client.sidecar.gate import served_file
from staydown_client.sidecar.lookups import (
    COMPACT_TYPE,
    apart,
    judged_from,
    read_compact,
    read_json,
    tell_compact,
    tell_json,
    together,
)
from staydown_client.sidecar.metrics import Counts
from staydown_client.sidecar.request import Later
from staydown_client.sidecar.settings import is_loopback
from staydown_client.status import filter_status

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from staydown_client.sidecar.lookups import Judged, Question
    from staydown_client.sidecar.request import Body, Request
    from staydown_client.sidecar.settings import SidecarSettings
    from staydown_client.verdict import Verdict

    Answering: TypeAlias = Answer | Later | Coroutine[Any, Any, Answer]

_log = logging.getLogger("staydown_client")
_MANY: Final = 32  # so many hashes take long enough to be looked up beside the others
_MAX_BATCHES: Final = 64
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_TOGETHER: Final = 32
_CHECK: Final = ("POST", "/v1/check")
_OPEN: Final = frozenset({"/healthz", "/readyz"})
_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class _Waiting:
    """A small lookup that was read and is looked up within this turn of the loop."""

    question: Question
    began: float
    later: Later
    is_compact: bool = field(kw_only=True)


class Sidecar:
    """One worker's application: what a `Connection` asks for answers. Only what takes time is answered later."""

    def __init__(self, settings: SidecarSettings) -> None:
        """Open the filter; raise what `Filter.open` raises."""
        self._settings = settings
        self._token = None if settings.token is None else f"Bearer {settings.token}".encode()
        decoders = FingerprintPool(workers=settings.decoders, max_waiting=settings.max_waiting)
        self._filter = Filter.open(settings.folder, decoders=decoders)
        self._counts = Counts(settings.scratch / "counts")
        self._deciding = ThreadPoolExecutor(settings.decoders, "staydown-check")
        self._batches = ThreadPoolExecutor(1, "staydown-lookup")
        self._recording = ThreadPoolExecutor(1, "staydown-record")
        self._receiving = self._checking = self._looking_up = 0
        self._budget = Budget(max(settings.max_spool_bytes, settings.max_upload_bytes))
        self._waiting: list[_Waiting] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._routes: dict[tuple[str, str], Callable[[Request, bytes], Answering]] = {
            ("POST", "/v1/lookup"): self._look_up,
            ("GET", "/v1/gate"): self._gate,
            ("GET", "/v1/status"): self._tell_status,
            ("GET", "/metrics"): self._tell_metrics,
            ("GET", "/healthz"): self._tell_health,
            ("GET", "/readyz"): self._tell_ready,
        }
        # A batch in another thread must not keep single lookups waiting for the interpreter.
        sys.setswitchinterval(0.0005)

    def start(self) -> None:
        """Have a decoder ready before the first upload."""
        self._deciding.submit(self._warm_up)

    def close(self) -> None:
        """Let go of everything; what was counted is written down."""
        for executor in (self._deciding, self._batches, self._recording):
            executor.shutdown(wait=True, cancel_futures=False)
        self._filter.close()

    def admit(self, request: Request) -> Answer | None:
        """Refuse what may not be asked, before its body is taken in; None for what may."""
        try:
            if request.path not in _OPEN:
                self._check_right(request)
            if (request.method, request.path) != _CHECK and (request.method, request.path) not in self._routes:
                raise self._no_route(request)
        except RefusedError as error:
            return error.answer
        return None

    def streams(self, request: Request) -> bool:
        """Say whether the request's body is handed over as it comes."""
        return (request.method, request.path) == _CHECK

    def answer(self, request: Request, body: bytes) -> Answering:
        """Answer a request whose body is whole, at once or later."""
        try:
            answer = self._routes[request.method, request.path](request, body)
        except Exception as error:  # noqa: BLE001 - no request may end another one, whatever is wrong with it
            return self._failed(error)
        return answer if isinstance(answer, Answer | Later) else self._awaited(answer)

    def receive(self, request: Request, body: Body) -> Coroutine[Any, Any, Answer]:
        """Answer a request whose body comes."""
        return self._awaited(self._check(request, body))

    def note_refused(self, answer: Answer) -> None:
        """Count what was refused without a word from here."""
        self._counts.refused(answer.code)

    async def _awaited(self, answer: Coroutine[Any, Any, Answer]) -> Answer:
        try:
            return await answer
        except Exception as error:  # noqa: BLE001 - as in `answer`
            return self._failed(error)

    def _failed(self, error: Exception) -> Answer:
        if isinstance(error, RefusedError):
            refusal = error
        elif isinstance(error, FolderError):
            _log.error("A request could not be answered: %s", error)
            refusal = refused(503, "list_unreadable", str(error))
        elif isinstance(error, OSError) and error.errno in _NO_ROOM:
            _log.error("An upload could not be kept for its check: %s.", error.strerror)
            refusal = no_room()
        else:
            _log.error("A request failed by an error of the sidecar's own.", exc_info=error)
            refusal = refused(500, "error", "The sidecar failed; its log says where.")
        self.note_refused(refusal.answer)
        return refusal.answer

    def _no_route(self, request: Request) -> RefusedError:
        allowed = ", ".join(method for method, path in (*self._routes, _CHECK) if path == request.path)
        if allowed:
            return refused(405, "method", f"Use {allowed}.", headers=[("allow", allowed)])
        return refused(404, "not_found", "There is nothing here; see docs/reference/sidecar.md.")

    def _check_right(self, request: Request) -> None:
        """Refuse whoever has no token; without one, whoever a browser was tricked into speaking for."""
        if self._token is not None:
            given = request.headers.get("authorization", "").encode("latin-1")
            if not hmac.compare_digest(given, self._token):
                raise refused(
                    401,
                    "unauthorised",
                    "Give the sidecar's token: Authorization: Bearer TOKEN.",
                    headers=[("www-authenticate", "Bearer")],
                )
        elif not is_loopback(_host_of(request.authority or request.headers.get("host", ""))):
            raise refused(403, "host", "Ask by an address of this machine, such as 127.0.0.1, or set a token.")

    def _look_up(self, request: Request, body: bytes) -> Answering:
        began = time.perf_counter()
        content_type = request.headers.get("content-type", "").partition(";")[0].strip()
        is_compact = content_type == COMPACT_TYPE
        if content_type == "application/json":
            question = read_json(body, min_quality=self._filter.judge.policy.min_quality)
            _check_reference(question.reference)
        elif is_compact:
            question = read_compact(body)
        else:
            raise refused(415, "type", f"Send application/json, or {COMPACT_TYPE}.")
        if question.count >= _MANY or question.variants:
            return self._look_up_beside(question, began, is_compact=is_compact)
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._look_up_waiting)
        waiting = _Waiting(question, began, Later(), is_compact=is_compact)
        self._waiting.append(waiting)
        return waiting.later

    def _look_up_waiting(self) -> None:
        """Look up together what arrived together: the state of list and policy is read once, after the last of it."""
        asked, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._look_up_waiting)
        try:
            question, starts = together([each.question for each in asked])
            judged = apart(self._search(question), [each.question for each in asked], starts)
        except Exception as error:  # noqa: BLE001 - as in `answer`
            for each in asked:
                each.later.tell(self._failed(error))
            return
        for each, found in zip(asked, judged, strict=True):
            stopped = self._note(found, each.question)
            if stopped:
                self._keep(self._tell_recorded(each, found, stopped))
            else:
                each.later.tell(self._told(found, each.began, is_compact=each.is_compact))

    async def _tell_recorded(self, waiting: _Waiting, judged: Judged, stopped: list[Verdict]) -> None:
        told = self._told_when_recorded(judged, waiting.question, stopped, waiting.began, is_compact=waiting.is_compact)
        waiting.later.tell(await self._awaited(told))

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_up_beside(self, question: Question, began: float, *, is_compact: bool) -> Answer:
        """Look many up in a thread, so that single lookups do not wait for them."""
        if self._looking_up >= _MAX_BATCHES:
            raise busy("large lookups")
        self._looking_up += 1
        try:
            judged = await asyncio.get_running_loop().run_in_executor(self._batches, self._search, question)
        finally:
            self._looking_up -= 1
        stopped = self._note(judged, question)
        if stopped:
            return await self._told_when_recorded(judged, question, stopped, began, is_compact=is_compact)
        return self._told(judged, began, is_compact=is_compact)

    async def _told_when_recorded(
        self, judged: Judged, question: Question, stopped: list[Verdict], began: float, *, is_compact: bool
    ) -> Answer:
        """Have matches on disk before they are told; the disk is never waited for in the loop."""
        matches = [(verdict, question.reference) for verdict in stopped]
        await asyncio.get_running_loop().run_in_executor(self._recording, self._filter.judge.record, matches)
        return self._told(judged, began, is_compact=is_compact)

    def _told(self, judged: Judged, began: float, *, is_compact: bool) -> Answer:
        answer = tell_compact(judged) if is_compact else tell_json(judged, self._filter.list_name)
        self._counts.judged("lookup", judged.actions(), seconds=time.perf_counter() - began)
        return answer

    def _search(self, question: Question) -> Judged:
        found = self._filter.look_up(question.exact, question.hashes, variants=question.variants)
        return judged_from(question, found)

    def _note(self, judged: Judged, question: Question) -> list[Verdict]:
        """Count the uploads; return the verdicts whose matches are to be put on disk."""
        if not question.record:
            return []
        due = self._filter.judge.saw(question.count)
        stopped = [verdict for verdict in judged.special.values() if verdict.reasons]
        if due and not stopped:
            self._recording.submit(self._filter.judge.record, [])
        return stopped

    async def _check(self, request: Request, source: Body) -> Answer:
        settings = self._settings
        if self._receiving >= settings.max_receiving:
            raise busy("uploads")
        reference = request.headers.get("staydown-reference")
        _check_reference(reference)
        self._receiving += 1
        try:
            with spooled(settings.scratch, self._budget) as spool:
                body = chunks(
                    request,
                    source,
                    max_bytes=settings.max_upload_bytes,
                    receive_s=settings.receive_s,
                    idle_s=settings.idle_s,
                )
                content_type = request.headers.get("content-type", "")
                if content_type.partition(";")[0].strip().lower() == "multipart/form-data":
                    await take_file(body, boundary_of(content_type), spool)
                else:
                    _require_length(request)
                    async for chunk in body:
                        await spool.add(chunk)
                return await self._decide(spool.source(), reference)
        finally:
            self._receiving -= 1

    async def _gate(self, request: Request, _body: bytes) -> Answer:
        """Answer as nginx's auth_request asks: by the status alone, of a file that lies on this machine."""
        async with served_file(self._settings.files, request.headers.get("staydown-file")) as source:
            verdict = await self._checked(source, None)
        status = {"allow": 204, "block": 403, "hold": 403}.get(verdict.action, 503)
        return Answer(status, b"", (NO_STORE, ("staydown-action", verdict.action)))

    async def _decide(self, source: bytes | str, reference: str | None) -> Answer:
        verdict = await self._checked(source, reference)
        answer = as_json(verdict.as_json())
        return Answer(answer.status, answer.body, (*answer.headers, ("staydown-action", verdict.action)))

    async def _checked(self, source: bytes | str, reference: str | None) -> Verdict:
        if self._checking >= self._settings.decoders + self._settings.max_waiting:
            raise busy("files to decode")
        self._checking += 1
        began = time.perf_counter()
        try:
            verdict = await asyncio.get_running_loop().run_in_executor(
                self._deciding, lambda: self._filter.check(source, reference=reference)
            )
        finally:
            self._checking -= 1
        self._counts.judged("check", {verdict.action: 1}, seconds=time.perf_counter() - began)
        return verdict

    async def _tell_status(self, _request: Request, _body: bytes) -> Answer:
        return as_json(await self._status())

    async def _tell_metrics(self, _request: Request, _body: bytes) -> Answer:
        status = await self._status()
        lines = [*self._counts.lines(), *status_lines(status)]
        return as_text("\n".join(lines) + "\n", content_type=_METRICS_TYPE)

    def _tell_health(self, _request: Request, _body: bytes) -> Answer:
        return as_text("ok\n")

    def _tell_ready(self, _request: Request, _body: bytes) -> Answer:
        if self._filter.look_up().otherwise.list_position is None:
            return as_text("the list was never received whole\n", status=503)
        return as_text("ok\n")

    async def _status(self) -> dict[str, Any]:
        return await asyncio.get_running_loop().run_in_executor(self._recording, filter_status, self._filter)

    def _warm_up(self) -> None:
        try:
            self._filter.start()
        except StartError as error:
            _log.error("Files cannot be decoded here at present: %s", error)


def _check_reference(reference: str | None) -> None:
    try:
        checked_reference(reference)
    except BadValueError as error:
        raise bad_field("reference", str(error).partition(": ")[2]) from None


def _require_length(request: Request) -> None:
    """Refuse a file whose end cannot be told from a connection that broke; a form says itself where it ends."""
    if request.headers.get("content-length") is None:
        raise refused(411, "length_required", "Give a content-length, or send the file in a multipart form.")


def _host_of(authority: str) -> str:
    """Return an authority's host without port and brackets."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]
