"""HTTP to a hub that may be hostile: no redirects, and a bound on each answer's size and time.

Only what was asked for compressed may come so, and it is bounded again as it grows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Self

import urllib3
import zstandard

from staydown_client.errors import HubError, HubMisbehavedError, HubRefusedError, HubUnavailableError
from staydown_client.line import Line, LinedPools, Watchdog
from staydown_client.printable import printable
from staydown_client.wire import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    from staydown_client.key import ApiKey

CONNECT_TIMEOUT_S: Final = 10.0
READ_TIMEOUT_S: Final = 30.0
ANSWER_DEADLINE_S: Final = 120.0
MAX_ANSWER_BYTES: Final = 1024 * 1024
_MAX_LINES_BYTES: Final = 16 * 1024 * 1024
_CHUNK_BYTES: Final = 64 * 1024
_MAX_MESSAGE: Final = 500
_MAX_FIELDS: Final = 5
_MAX_WINDOW_BYTES: Final = 2**25
_IDENTITY: Final = "identity"
_JSON: Final = {"Accept": "application/json"}
_JSON_SENT: Final = {**_JSON, "Content-Type": "application/json"}
_LINES_SENT: Final = {"Accept": "application/x-ndjson", "Content-Type": "application/x-ndjson"}
_TEXT_SENT: Final = {**_JSON, "Content-Type": "text/plain; charset=utf-8"}
_BYTES: Final = {"Accept": "*/*"}
_ZSTD: Final = "zstd"


class AnswerTooLargeError(HubMisbehavedError):
    """The answer is longer than the bound for it."""


class Transport:
    """Requests to one base address with one key. Use it from one thread at a time."""

    def __init__(
        self, base: str, key: ApiKey, *, read_timeout_s: float = READ_TIMEOUT_S, deadline_s: float = ANSWER_DEADLINE_S
    ) -> None:
        """Talk to `base`, a checked address without a trailing slash (see `address.py`)."""
        self._base = base
        self._key = key
        self._deadline_s = deadline_s
        self._line = Line()
        self._pool = LinedPools(self._line, timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=read_timeout_s))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections up."""
        self._pool.clear()
        self._line.drop()

    def shut_down(self) -> None:
        """End what is being asked for, and all that is asked for later; for any thread."""
        self._line.shut_down()

    def get(self, path: str, *, max_bytes: int = MAX_ANSWER_BYTES) -> object:
        """Return the JSON that a GET of `path` answers; raise a `HubError` otherwise."""
        return parse_json(self._exchange("GET", path, body=None, max_bytes=max_bytes).data)

    def post(self, path: str, body: Mapping[str, object]) -> object:
        """Return the JSON that a POST of `body` as JSON answers, None for no content; raise a `HubError` otherwise."""
        sent = json.dumps(body).encode()
        data = self._exchange("POST", path, body=sent, max_bytes=MAX_ANSWER_BYTES, headers=_JSON_SENT).data
        return parse_json(data) if data else None

    def post_lines(self, path: str, lines: Sequence[bytes]) -> bytes:
        """Return what a POST of `lines`, each an object in JSON, answers."""
        sent = b"".join(line + b"\n" for line in lines)
        return self._exchange("POST", path, body=sent, max_bytes=_MAX_LINES_BYTES, headers=_LINES_SENT).data

    def get_text(self, path: str, *, max_bytes: int = MAX_ANSWER_BYTES) -> str:
        """Return the text that a GET of `path` answers."""
        data = self._exchange("GET", path, body=None, max_bytes=max_bytes, headers={"Accept": "text/plain"}).data
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise HubMisbehavedError("The hub's answer is not UTF-8; it was refused.") from None

    def get_packed(self, path: str, *, max_bytes: int) -> Packed:
        """Return the bytes that a GET of `path` answers, at most `max_bytes` on the way, perhaps compressed."""
        return self._exchange("GET", path, body=None, max_bytes=max_bytes, headers={**_BYTES, "Accept-Encoding": _ZSTD})

    def get_bytes(self, path: str, *, max_bytes: int) -> bytes:
        """Return the bytes that a GET of `path` answers."""
        return self._exchange("GET", path, body=None, max_bytes=max_bytes, headers=_BYTES).data

    def post_text(self, path: str, text: str) -> None:
        """Send a text, to which nothing but success is to be answered."""
        self._exchange("POST", path, body=text.encode(), max_bytes=MAX_ANSWER_BYTES, headers=_TEXT_SENT)

    def open_stream(self, path: str, *, headers: Mapping[str, str]) -> Stream:
        """Open an answer that is read as it comes; the caller closes it."""
        with Watchdog(self._line, patience_s=self._deadline_s):
            response = self._send("GET", path, body=None, headers={"Accept": "text/event-stream", **headers})
            if response.status == HTTPStatus.OK and response.headers.get("Content-Type", "").startswith(
                "text/event-stream"
            ):
                return Stream(response, self._line)
            data = self._read(response, max_bytes=MAX_ANSWER_BYTES)
        self._refuse(response, data)
        raise HubMisbehavedError("The hub's answer is not a stream of events.")

    def _exchange(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None,
        max_bytes: int,
        headers: Mapping[str, str] = _JSON,
    ) -> Packed:
        with Watchdog(self._line, patience_s=self._deadline_s):
            response = self._send(method, path, body=body, headers=headers)
            data = self._read(response, max_bytes=max_bytes)
        self._refuse(response, data)
        return Packed(data, is_compressed=_encoding_of(response) == _ZSTD)

    def _send(
        self, method: str, path: str, *, body: bytes | None, headers: Mapping[str, str]
    ) -> urllib3.BaseHTTPResponse:
        sent = {
            "Accept-Encoding": _IDENTITY,
            **headers,
            "Authorization": f"Bearer {self._key.reveal()}",
            "User-Agent": "staydown-client",
        }
        self._line.begin()
        self._check_not_cut()
        try:
            response = self._pool.send(method, self._base + path, body=body, headers=sent)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self._check_not_cut()
            raise HubUnavailableError(f"The hub at {self._base} cannot be reached: {_reason(error)}.") from None
        if _encoding_of(response) not in {_IDENTITY, sent["Accept-Encoding"]}:
            self._line.drop()
            response.close()
            raise HubMisbehavedError("The hub's answer is compressed although the client did not ask for that.")
        return response

    def _read(self, response: urllib3.BaseHTTPResponse, *, max_bytes: int) -> bytes:
        """Return the whole body, and give the answer up."""
        data = bytearray()
        try:
            for chunk in _chunks(response):
                data += chunk
                if len(data) > max_bytes:
                    raise AnswerTooLargeError(f"The hub's answer is longer than {max_bytes} bytes and was refused.")
        except HubError:
            # A connection whose answer was not read to its end is never used again.
            self._line.drop()
            self._check_not_cut()
            raise
        finally:
            response.close()
        self._check_not_cut()
        return bytes(data)

    def _check_not_cut(self) -> None:
        """Raise when the line was cut: what came may look whole, or like another error."""
        if self._line.is_down:
            raise HubUnavailableError("The hub is no longer asked: this was to end.")
        if self._line.is_cut:
            raise HubUnavailableError(f"The hub's answer did not end within {self._deadline_s:g} seconds.")

    def _refuse(self, response: urllib3.BaseHTTPResponse, data: bytes) -> None:
        """Raise the error that an answer other than a success stands for."""
        status = response.status
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return
        if status < HTTPStatus.BAD_REQUEST:
            raise HubMisbehavedError(
                f"The hub answered with status {status}; no redirect is followed. Check its address."
            )
        code, message = self._error_of(data)
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise HubUnavailableError(f"The hub has trouble (status {status}){message}. Try again later.")
        raise HubRefusedError(f"The hub refused (status {status}){message}", status=status, code=code)

    def _error_of(self, data: bytes) -> tuple[str, str]:
        """Return the hub's word for the error, and its message made fit to be shown."""
        try:
            body = parse_json(data)
        except HubMisbehavedError:
            return "", ""
        if not isinstance(body, dict):
            return "", ""
        texts = [str(body.get("message", ""))]
        fields = body.get("fields")
        if isinstance(fields, list):
            named = [field for field in fields[:_MAX_FIELDS] if isinstance(field, dict)]
            texts += [f"{field.get('field')}: {field.get('message')}" for field in named]
        shown = printable("; ".join(text for text in texts if text).replace(self._key.reveal(), "***"))[:_MAX_MESSAGE]
        return str(body.get("error", ""))[:64], f": {shown}" if shown else ""


@dataclass(frozen=True, slots=True)
class Packed:
    """An answer as it came over the wire."""

    data: bytes
    is_compressed: bool

    def unpacked(self, *, max_bytes: int) -> bytes:
        """Return the bytes themselves; raise `AnswerTooLargeError` for more than `max_bytes` of them."""
        if not self.is_compressed:
            return self.data
        try:
            with zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES).stream_reader(self.data) as reader:
                plain: bytes = reader.read(max_bytes + 1)
        except zstandard.ZstdError:
            raise HubMisbehavedError("The hub's answer is not compressed as it says; it was refused.") from None
        if len(plain) > max_bytes:
            raise AnswerTooLargeError(f"The hub's answer is longer than {max_bytes} bytes and was refused.")
        return plain


class Stream:
    """An answer without an end, read as it comes."""

    def __init__(self, response: urllib3.BaseHTTPResponse, line: Line) -> None:
        self._response = response
        self._line = line

    def watched(self, *, patience_s: float) -> Watchdog:
        """Return what breaks it off when its reader does not say in time that something whole came."""
        return Watchdog(self._line, patience_s=patience_s)

    def chunks(self) -> Iterator[bytes]:
        """Yield what arrives, until the hub ends the answer; raise `HubUnavailableError` when it falls silent."""
        yield from _chunks(self._response)
        if self._line.is_cut:
            raise HubUnavailableError("The hub's live connection was broken off.")

    def close(self) -> None:
        """Give the connection up."""
        self._line.drop()
        self._response.close()


def _chunks(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := response.read1(_CHUNK_BYTES, decode_content=False):
            yield chunk
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise HubUnavailableError(f"The hub's answer broke off: {_reason(error)}.") from None


def _encoding_of(response: urllib3.BaseHTTPResponse) -> str:
    encoding: str = response.headers.get("Content-Encoding", _IDENTITY)
    return encoding


def _reason(error: Exception) -> str:
    """Say in words what a network error means, without the address that urllib3 puts in its own."""
    # The first that fits is the closest: urllib3 derives a refused connection from one that timed out.
    known: tuple[tuple[type[Exception], str], ...] = (
        (urllib3.exceptions.NameResolutionError, "its name is not known"),
        (urllib3.exceptions.ReadTimeoutError, "it stayed silent too long"),
        (urllib3.exceptions.NewConnectionError, "nothing listens there, or the network is down"),
        (urllib3.exceptions.ConnectTimeoutError, "it did not answer in time"),
        (urllib3.exceptions.SSLError, "its certificate was not accepted, or it does not speak TLS"),
        (urllib3.exceptions.ProtocolError, "the connection broke"),
    )
    return next((words for kind, words in known if isinstance(error, kind)), type(error).__name__)
