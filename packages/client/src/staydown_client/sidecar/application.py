"""Answers a sidecar's requests in one worker process: lookups at once, files through a bounded queue."""

from __future__ import annotations

import asyncio
import hmac
import logging
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, get_args

from staydown_match import FingerprintPool, StartError

from staydown_client.errors import BadValueError, FolderError, LogProblem
from staydown_client.filter import Filter
from staydown_client.local.outbox import checked_reference
from staydown_client.sidecar.answers import Answer, RefusedError, as_json, as_text, bad_field, busy, refused
from staydown_client.sidecar.bodies import chunks, small_body, spooled
from staydown_client.sidecar.forms import boundary_of, take_file
from staydown_client.sidecar.gate import served_file
from staydown_client.sidecar.lookups import (
    COMPACT_TYPE,
    judged_from,
    read_compact,
    read_json,
    tell_compact,
    tell_json,
)
from staydown_client.sidecar.metrics import Counts, gauge, one_of
from staydown_client.sidecar.settings import is_loopback
from staydown_client.status import filter_status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from staydown_client.sidecar.lookups import Judged, Question
    from staydown_client.sidecar.rsgi import HTTPProtocol, Scope
    from staydown_client.sidecar.settings import SidecarSettings
    from staydown_client.verdict import Verdict

_log = logging.getLogger("staydown_client")
_MANY: Final = 32  # so many hashes take long enough to be looked up beside the others
_MAX_BATCHES: Final = 64
_OPEN: Final = frozenset({"/healthz", "/readyz"})
_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Sidecar:
    """One worker's application, as granian calls it (RSGI)."""

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
        self._routes: dict[tuple[str, str], Callable[[Scope, HTTPProtocol], Awaitable[Answer]]] = {
            ("POST", "/v1/lookup"): self._look_up,
            ("POST", "/v1/check"): self._check,
            ("GET", "/v1/gate"): self._gate,
            ("GET", "/v1/status"): self._tell_status,
            ("GET", "/metrics"): self._tell_metrics,
            ("GET", "/healthz"): self._tell_health,
            ("GET", "/readyz"): self._tell_ready,
        }
        # A batch in another thread must not keep single lookups waiting for the interpreter.
        sys.setswitchinterval(0.0005)

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have a decoder ready before the first upload."""
        loop.run_in_executor(self._deciding, self._warm_up)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let go of everything; what was counted is written down."""
        for executor in (self._deciding, self._batches, self._recording):
            executor.shutdown(wait=True, cancel_futures=False)
        self._filter.close()

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request."""
        try:
            answer = await self._answer(scope, protocol)
        except RefusedError as error:
            answer = error.answer
            self._counts.refused(_code_of(answer))
        except FolderError as error:
            _log.error("A request could not be answered: %s", error)
            answer = refused(503, "list_unreadable", str(error)).answer
        except Exception:  # noqa: BLE001 - no request may end another one, whatever is wrong with it
            _log.exception("A request failed by an error of the sidecar's own.")
            answer = refused(500, "error", "The sidecar failed; its log says where.").answer
        protocol.response_bytes(answer.status, answer.headers, answer.body)

    async def _answer(self, scope: Scope, protocol: HTTPProtocol) -> Answer:
        route = self._routes.get((scope.method, scope.path))
        if scope.path not in _OPEN:
            self._admit(scope)
        if route is None:
            allowed = ", ".join(method for method, path in self._routes if path == scope.path)
            if allowed:
                raise refused(405, "method", f"Use {allowed}.", headers=[("allow", allowed)])
            raise refused(404, "not_found", "There is nothing here; see docs/reference/sidecar.md.")
        return await route(scope, protocol)

    def _admit(self, scope: Scope) -> None:
        """Refuse whoever has no token; without one, whoever a browser was tricked into speaking for."""
        if self._token is not None:
            given = scope.headers.get("authorization", "").encode("utf-8", "replace")
            if not hmac.compare_digest(given, self._token):
                raise refused(
                    401,
                    "unauthorised",
                    "Give the sidecar's token: Authorization: Bearer TOKEN.",
                    headers=[("www-authenticate", "Bearer")],
                )
        elif not is_loopback(_host_of(scope.authority or scope.headers.get("host", ""))):
            raise refused(403, "host", "Ask by an address of this machine, such as 127.0.0.1, or set a token.")

    async def _look_up(self, scope: Scope, protocol: HTTPProtocol) -> Answer:
        began = time.perf_counter()
        content_type = scope.headers.get("content-type", "").partition(";")[0].strip()
        body = await small_body(scope, protocol)
        if content_type == "application/json":
            question = read_json(body, min_quality=self._filter.judge.policy.min_quality)
            _check_reference(question.reference)
        elif content_type == COMPACT_TYPE:
            question = read_compact(body)
        else:
            raise refused(415, "type", f"Send application/json, or {COMPACT_TYPE}.")
        judged = await self._judged(question)
        await self._note(judged, question)
        is_compact = content_type == COMPACT_TYPE
        answer = tell_compact(judged) if is_compact else tell_json(judged, self._filter.list_name)
        self._counts.judged("lookup", judged.actions(), seconds=time.perf_counter() - began)
        return answer

    async def _judged(self, question: Question) -> Judged:
        if question.count < _MANY and not question.variants:
            return self._search(question)
        if self._looking_up >= _MAX_BATCHES:
            raise busy("large lookups")
        self._looking_up += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._batches, self._search, question)
        finally:
            self._looking_up -= 1

    def _search(self, question: Question) -> Judged:
        found = self._filter.look_up(question.exact, question.hashes, variants=question.variants)
        return judged_from(question, found)

    async def _note(self, judged: Judged, question: Question) -> None:
        """Have matches on disk before they are told; the disk is never waited for in the loop."""
        if not question.record:
            return
        due = self._filter.judge.saw(question.count)
        stopped: list[tuple[Verdict, str | None]] = [
            (verdict, question.reference) for verdict in judged.special.values() if verdict.reasons
        ]
        if stopped or due:
            writing = asyncio.get_running_loop().run_in_executor(self._recording, self._filter.judge.record, stopped)
            if stopped:
                await writing

    async def _check(self, scope: Scope, protocol: HTTPProtocol) -> Answer:
        settings = self._settings
        if self._receiving >= settings.max_receiving:
            raise busy("uploads")
        reference = scope.headers.get("staydown-reference")
        _check_reference(reference)
        self._receiving += 1
        try:
            with spooled(settings.scratch) as spool:
                body = chunks(
                    scope,
                    protocol,
                    max_bytes=settings.max_upload_bytes,
                    receive_s=settings.receive_s,
                    idle_s=settings.idle_s,
                )
                content_type = scope.headers.get("content-type", "")
                if content_type.partition(";")[0].strip().lower() == "multipart/form-data":
                    await take_file(body, boundary_of(content_type), spool)
                else:
                    _require_length(scope)
                    async for chunk in body:
                        await spool.add(chunk)
                return await self._decide(spool.source(), reference)
        finally:
            self._receiving -= 1

    async def _gate(self, scope: Scope, _protocol: HTTPProtocol) -> Answer:
        """Answer as nginx's auth_request asks: by the status alone, of a file that lies on this machine."""
        with served_file(self._settings.files, scope.headers.get("staydown-file")) as source:
            verdict = await self._checked(source, None)
        status = {"allow": 204, "block": 403, "hold": 403}.get(verdict.action, 503)
        return Answer(status, b"", [("cache-control", "no-store"), ("staydown-action", verdict.action)])

    async def _decide(self, source: bytes | str, reference: str | None) -> Answer:
        verdict = await self._checked(source, reference)
        answer = as_json(verdict.as_json())
        return Answer(answer.status, answer.body, [*answer.headers, ("staydown-action", verdict.action)])

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

    async def _tell_status(self, _scope: Scope, _protocol: HTTPProtocol) -> Answer:
        return as_json(await self._status())

    async def _tell_metrics(self, _scope: Scope, _protocol: HTTPProtocol) -> Answer:
        status = await self._status()
        lines = [*self._counts.lines(), *_gauges(status)]
        return as_text("\n".join(lines) + "\n", content_type=_METRICS_TYPE)

    async def _tell_health(self, _scope: Scope, _protocol: HTTPProtocol) -> Answer:
        return as_text("ok\n")

    async def _tell_ready(self, _scope: Scope, _protocol: HTTPProtocol) -> Answer:
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


def _gauges(status: dict[str, Any]) -> list[str]:
    matches = status["matches"] or {}
    values: dict[str, Any] = {
        "list_position": -2 if status["list_position"] is None else status["list_position"],
        "list_age_seconds": float("nan") if status["list_age_s"] is None else status["list_age_s"],
        "ready": int(status["ready"]),
        "degraded": int(status["degraded"]),
        "list_refused": int(status["refusal"] is not None),
        "policy_refused": int(status["policy_problem"] is not None),
        "local_problem": int(status["local_problem"] is not None),
        "silenced_entries": len(status["silenced"]),
        "flooding_entries": len(status["floods"]),
        "matches_waiting": matches.get("waiting", 0),
        "matches_oldest_seconds": matches.get("oldest_age_s") or 0.0,
    }
    lines = [line for name, value in values.items() for line in gauge(name, value)]
    refusal = None if status["refusal"] is None else status["refusal"]["problem"]
    lines += one_of("list_problem", "problem", get_args(LogProblem), chosen=refusal)
    for name in ("delivered", "dropped", "refused"):
        lines += gauge(f"matches_{name}_total", matches.get(name, 0), kind="counter")
    return [*lines, *gauge("matches_unrecorded_total", status["unrecorded"], kind="counter")]


def _check_reference(reference: str | None) -> None:
    try:
        checked_reference(reference)
    except BadValueError as error:
        raise bad_field("reference", str(error).partition(": ")[2]) from None


def _require_length(scope: Scope) -> None:
    """Refuse a file whose end cannot be told from a connection that broke; a form says itself where it ends."""
    if scope.headers.get("content-length") is None:
        raise refused(411, "length_required", "Give a content-length, or send the file in a multipart form.")


def _host_of(authority: str) -> str:
    """Return an authority's host without port and brackets."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]


def _code_of(answer: Answer) -> str:
    return {503: "busy", 413: "too_long", 408: "too_slow", 401: "unauthorised"}.get(
        answer.status, "broken_off" if b'"broken_off"' in answer.body else "other"
    )
