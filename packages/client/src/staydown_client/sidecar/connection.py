"""One client's connection: HTTP/1.1 in, answers out. Parsed by llhttp (httptools), strictly, and bounded everywhere.

A request that can be answered at once, or soon, is answered without a task or a thread.
Requests are answered one by one; whoever sends the next one before an answer that takes time is cut off after that
answer, as HTTP/1.1 permits.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url
from httptools import HttpParserInvalidURLError as InvalidUrlError

from staydown_client.sidecar.answers import Answer, RefusedError, refused
from staydown_client.sidecar.bodies import SMALL_BYTES, broken_off, declared_length, too_long
from staydown_client.sidecar.request import Body, Later, Request

if TYPE_CHECKING:
    from collections.abc import Coroutine

HEAD_BYTES: Final = 64 * 1024
MAX_HEADERS: Final = 100
HEAD_S: Final = 10.0
SMALL_BODY_S: Final = 10.0
IDLE_S: Final = 90.0
ANSWER_S: Final = 30.0
"""A client that does not take its answer is let go after this."""

_LINGER_S: Final = 5.0
_LINGER_BYTES: Final = 2 * 1024 * 1024
_AHEAD_BYTES: Final = 256 * 1024
# Two of one of these could be understood in two ways, here and by whatever passed the request on.
_ONCE: Final = frozenset(
    {
        "host",
        "content-type",
        "content-length",
        "transfer-encoding",
        "authorization",
        "staydown-file",
        "staydown-reference",
    }
)


# idle: between requests. head, small, stream: within a request's head, a body that is held, a body that is handed on.
# whole: to be answered. linger: answered for the last time.
_State = Literal["idle", "head", "small", "stream", "whole", "linger"]


class Application(Protocol):
    """What answers requests. Nothing of it raises."""

    def admit(self, request: Request) -> Answer | None:
        """Refuse what may not be asked, before its body is taken in; None for what may."""

    def streams(self, request: Request) -> bool:
        """Say whether the request's body is handed over as it comes."""

    def answer(self, request: Request, body: bytes) -> Answer | Later | Coroutine[Any, Any, Answer]:
        """Answer a request whose body is whole: at once, soon, or when it is done."""

    def receive(self, request: Request, body: Body) -> Coroutine[Any, Any, Answer]:
        """Answer a request whose body comes."""

    def note_refused(self, answer: Answer) -> None:
        """Count what was refused without the application."""


class Connections(Protocol):
    """What all connections of one process share."""

    buffer: memoryview
    date: bytes
    application: Application

    def opened(self, connection: Connection) -> None:
        """Note a connection."""

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""


class Connection(asyncio.BufferedProtocol):
    """What asyncio calls for one socket; also what the parser calls for each request on it."""

    def __init__(self, shared: Connections) -> None:
        self._shared = shared
        self._parser = HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + HEAD_S
        self._state: _State = "idle"
        self._is_last = self._is_at_end = self._is_cut = False
        self._is_answering = False
        self._is_full = self._is_paused = False
        self._received = 0
        self._answering: asyncio.Task[None] | None = None
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._count = 0
        self._parts: list[bytes] = []
        self._body: Body | None = None
        self._request: Request | None = None

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast("asyncio.Transport", transport)
        self._shared.opened(self)

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Return where to put what arrives: all connections share it, since it is read before the next one is."""
        return self._shared.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take in what arrived."""
        self._received += nbytes
        if self._state == "linger":
            if self._received > _LINGER_BYTES:
                self._transport.abort()
            return
        if self._state == "idle" and self._received == nbytes:
            self._deadline = self._loop.time() + HEAD_S
        try:
            self._parser.feed_data(self._shared.buffer[:nbytes])
        except HttpParserUpgrade:
            self._refuse(_bad_request())
        except HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, RefusedError) else _bad_request())
        if self._state in {"idle", "head"} and self._received > HEAD_BYTES:
            self._refuse(_head_too_long())

    def eof_received(self) -> bool:
        """Say whether the other direction stays open: a client that said all it has to may still be answered."""
        self._is_at_end = True
        if self._body is not None:
            self._body.break_off()
        if self._state == "small":
            self._refuse(broken_off())
        self._is_last = True
        return self._is_answering

    def connection_lost(self, _error: Exception | None) -> None:
        """End what the client began."""
        if self._body is not None:
            self._body.break_off()
        self._state = "linger"
        self._shared.closed(self)

    def pause_writing(self) -> None:
        """Read no more from a client that does not take its answers."""
        self._is_full = True
        self._deadline = self._loop.time() + ANSWER_S
        self._pause()

    def resume_writing(self) -> None:
        """Go on."""
        self._is_full = False
        self._resume()

    # What the process calls

    def look_after(self, now: float) -> None:
        """End what takes too long; called about once a second."""
        if self._is_full:
            if now > self._deadline:
                self._transport.abort()
        elif self._is_answering or now <= self._deadline:
            return
        elif self._state == "idle" and not self._received:
            self._transport.close()
        elif self._state == "linger":
            self._transport.abort()
        else:
            self._refuse(_too_slow())

    def finish(self) -> None:
        """Answer what was begun, and nothing after it."""
        self._is_last = True
        if self._state == "idle" and not self._received:
            self._transport.close()

    def abort(self) -> None:
        """End at once."""
        if self._answering is not None:
            self._answering.cancel()
        self._transport.abort()

    # What the parser calls

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._state != "idle":
            raise _bad_request()  # it did not wait for its answer: that is the last one it gets
        self._state = "head"

    def on_url(self, url: bytes) -> None:
        """Take a part of what is asked for."""
        self._url += url
        if len(self._url) > HEAD_BYTES:
            raise _head_too_long()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._count += 1
        if self._count > MAX_HEADERS:
            raise _head_too_long()
        if self._state != "head":
            return  # a trailer
        text = name.decode("latin-1").lower()
        if text not in self._headers:
            self._headers[text] = value.decode("latin-1")
        elif text in _ONCE:
            raise _bad_request()

    def on_headers_complete(self) -> None:
        """Refuse the request, or go on to its body."""
        version = self._parser.get_http_version()
        if self._parser.should_upgrade() or version not in {"1.1", "1.0"}:
            raise _bad_request()
        path, authority = _target(self._url)
        request = self._request = Request(self._parser.get_method().decode("latin-1"), path, authority, self._headers)
        application = self._shared.application
        answer = application.admit(request)
        if answer is not None:
            raise RefusedError(answer)
        self._is_last = (
            self._is_last or not self._parser.should_keep_alive() or self._parser.get_http_version() != "1.1"
        )
        if application.streams(request):
            self._state = "stream"
            self._continue()
            self._body = Body(most_bytes=_AHEAD_BYTES, pause=self._pause, resume=self._resume)
            self._answer_later(application.receive(request, self._body))
            return
        declared_length(request, max_bytes=SMALL_BYTES)
        self._state, self._received = "small", 0
        self._deadline = self._loop.time() + SMALL_BODY_S
        self._continue()

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        if self._body is not None:
            self._body.feed(part)
        elif self._state == "small":
            self._parts.append(part)
            if len(self._parts) > 1 and sum(map(len, self._parts)) > SMALL_BYTES:
                raise too_long(SMALL_BYTES)

    def on_message_complete(self) -> None:
        """Answer the request."""
        if self._state == "stream" and self._body is not None:
            self._state = "whole"
            self._body.end()
            return
        if self._state != "small" or self._request is None:
            return
        self._state = "whole"
        answer = self._shared.application.answer(self._request, b"".join(self._parts))
        if isinstance(answer, Answer):
            self._tell(answer)
        elif isinstance(answer, Later):
            self._is_answering = True
            answer.then(self._tell_now)
        else:
            self._answer_later(answer)

    # Answers

    def _answer_later(self, answer: Coroutine[Any, Any, Answer]) -> None:
        self._is_answering = True
        self._answering = self._loop.create_task(self._answered(answer))

    async def _answered(self, answer: Coroutine[Any, Any, Answer]) -> None:
        told = await answer
        self._answering = None
        self._tell_now(told)

    def _tell_now(self, answer: Answer) -> None:
        self._is_answering = False
        self._tell(answer)

    def _continue(self) -> None:
        if "expect" in self._headers and self._headers["expect"].lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _refuse(self, error: RefusedError) -> None:
        """Answer what was not understood, or not in time, and end the connection."""
        self._is_last = self._is_cut = True
        if self._is_answering:
            if self._body is not None:
                self._body.break_off()
            self._pause()
            return
        if self._state == "linger":
            return
        self._shared.application.note_refused(error.answer)
        self._tell(error.answer)

    def _tell(self, answer: Answer) -> None:
        if self._transport.is_closing():
            return
        if self._state != "whole":
            self._is_last = True  # where the next request begins cannot be known
        has_body = self._request is None or self._request.method != "HEAD"
        self._transport.write(
            b"%b%bdate: %b\r\n%b\r\n%b"
            % (
                _head(answer.status, answer.headers),
                b"" if answer.status == HTTPStatus.NO_CONTENT else b"content-length: %d\r\n" % len(answer.body),
                self._shared.date,
                b"connection: close\r\n" if self._is_last else b"",
                answer.body if has_body else b"",
            )
        )
        if self._is_last:
            self._linger()
            return
        self._begin()
        self._state, self._received = "idle", 0
        self._deadline = self._loop.time() + IDLE_S
        self._resume()

    def _linger(self) -> None:
        """Close so that the answer arrives: what the client still sends is read and passed over for a while."""
        is_over = self._is_at_end or (self._state == "whole" and not self._is_cut)
        self._state, self._received = "linger", 0
        self._deadline = self._loop.time() + _LINGER_S
        if is_over or not self._transport.can_write_eof():
            self._transport.close()
            return
        self._transport.write_eof()
        self._resume()

    def _pause(self) -> None:
        if not self._is_paused and not self._transport.is_closing():
            self._is_paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._is_paused and not self._is_full and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()


@lru_cache(maxsize=256)
def _head(status: int, headers: tuple[tuple[str, str], ...]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {text}" for name, text in headers), ""]
    return "\r\n".join(lines).encode("latin-1")


def _target(url: bytes) -> tuple[str, str | None]:
    """Return the path that is asked for and, where the request names it there, the host."""
    if url.startswith(b"/"):
        return url.partition(b"?")[0].decode("latin-1"), None
    try:
        parsed = parse_url(url)
    except InvalidUrlError:
        raise _bad_request() from None
    return (parsed.path or b"/").decode("latin-1"), (parsed.host or b"").decode("latin-1")


def _bad_request() -> RefusedError:
    return refused(400, "bad_request", "This is not an HTTP/1.1 request, or one that can be understood in two ways.")


def _head_too_long() -> RefusedError:
    return refused(431, "head_too_long", f"At most {HEAD_BYTES} bytes and {MAX_HEADERS} headers are taken.")


def _too_slow() -> RefusedError:
    return refused(408, "too_slow", "The request did not arrive in time.")
