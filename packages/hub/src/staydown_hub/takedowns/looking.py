"""One look at an address: is it still up? Nothing is downloaded, no redirect is followed, nothing private is reached.

The host's name is resolved once, and the connection goes to one of the addresses found then: a name that points
elsewhere a moment later (DNS rebinding) leads nowhere. Only the status line and the headers are read, never a body.
"""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Collection
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from staydown_hub.rules.addresses import BadAddressError, is_acted_on, parse_address
from staydown_hub.rules.takedown import Outcome, outcome_of_status
from staydown_hub.takedowns.networks import Network, may_be_reached

TIMEOUT_S: Final = 15.0
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HEADERS: Final = {
    "User-Agent": "Staydown",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Cache-Control": "no-cache",
    "Connection": "close",
}
# Hosts that know no HEAD are asked with GET for one byte, which is not read either.
_GET_HEADERS: Final = _HEADERS | {"Range": "bytes=0-0"}
_NO_HEAD: Final = {HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
# What the kernel takes of a body before we hang up.
_RECEIVE_BUFFER_BYTES: Final = 4096
_CONNECT_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen: ``status`` is the HTTP status, where there was an answer."""

    outcome: Outcome
    status: int | None = None


@dataclass(frozen=True, slots=True)
class _Route:
    """Where to ask, and for what: ``addresses`` are those that may be reached, as ``connect`` takes them."""

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)
    addresses: tuple[tuple[int, Any], ...]


class _Deadline:
    """The time that one look may take as a whole: a host that sends a byte a second must not hold a worker."""

    def __init__(self, timeout_s: float) -> None:
        self._ends_at_s = time.monotonic() + timeout_s
        self._watched: list[tuple[threading.Timer, socket.socket]] = []

    @property
    def remaining_s(self) -> float:
        """How much time is left, never zero."""
        return max(self._ends_at_s - time.monotonic(), 0.001)

    def watch(self, connected: socket.socket) -> None:
        """Shut the connection when time is up, whoever waits for it then."""
        handle = connected.dup()  # TLS takes the socket itself over
        timer = threading.Timer(self.remaining_s, _shut, args=(handle,))
        timer.daemon = True
        timer.start()
        self._watched.append((timer, handle))

    def release(self) -> None:
        """Stop watching."""
        for timer, handle in self._watched:
            timer.cancel()
            timer.join()
            handle.close()
        self._watched.clear()


def look_at(url: str, *, allowed: Collection[Network] = (), timeout_s: float = TIMEOUT_S) -> Look:
    """Ask whether the address is up; raises nothing whatever the host does.

    ``allowed`` are networks that may be reached although they are not public; ``timeout_s`` is for all of it.
    """
    deadline = _Deadline(timeout_s)
    try:
        address = parse_address(url)
        target = parse_url(url).request_uri
    except (BadAddressError, HTTPError):
        return Look("refused")
    if address.host is None or not is_acted_on(address.kind):
        return Look("refused")  # not even the name of a hidden service is asked for
    host = address.host
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    found = _resolve(host, port, timeout_s=deadline.remaining_s)
    reachable = tuple(each for each in found if may_be_reached(each[1][0], allowed=allowed))
    if not reachable:
        return Look("refused" if found else "unreachable")
    route = _Route(parts.scheme, host, port, target, reachable)
    look = _ask(route, "HEAD", deadline)
    if look.status in _NO_HEAD or look.outcome == "gone":
        return _ask(route, "GET", deadline)  # some hosts do not find a page only because they are asked with HEAD
    return look


def _resolve(host: str, port: int, *, timeout_s: float) -> list[tuple[int, Any]]:
    """Return the addresses of a host, none when it has none or the answer takes too long."""
    answers: queue.SimpleQueue[list[tuple[int, Any]]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = []
        answers.put([(family, address) for family, _, _, _, address in found])

    threading.Thread(target=ask, daemon=True).start()  # it cannot be interrupted, only left behind
    try:
        return answers.get(timeout=timeout_s)
    except queue.Empty:
        return []


def _ask(route: _Route, method: str, deadline: _Deadline) -> Look:
    connection = _connection(route, deadline)
    try:
        with closing(connection):
            headers = _GET_HEADERS if method == "GET" else _HEADERS
            connection.request(method, route.target, headers=headers, preload_content=False)
            status = connection.getresponse().status
    except ssl.SSLError:
        return Look("unclear")  # somebody answers, but not provably the host
    except (OSError, HTTPError):
        return Look("unreachable")
    except (HTTPException, ValueError):
        return Look("unclear")  # somebody answers, but not with HTTP
    finally:
        deadline.release()
    return Look(outcome_of_status(status), status)


def _connection(route: _Route, deadline: _Deadline) -> HTTPConnection:
    """Return a connection by the host's name (for its certificate and Host header) that goes to a known address."""

    def connect() -> socket.socket:
        connected = _connect(route, deadline)
        deadline.watch(connected)
        return connected

    connection: HTTPConnection = (
        HTTPSConnection(route.host, route.port, ssl_context=_tls())
        if route.scheme == "https"
        else HTTPConnection(route.host, route.port)
    )
    connection._new_conn = connect  # type: ignore[method-assign]  # noqa: SLF001 -- where urllib3 opens its socket; it offers no other way to pin the address
    return connection


def _connect(route: _Route, deadline: _Deadline) -> socket.socket:
    problem: OSError = OSError()
    for family, address in route.addresses:
        tried = socket.socket(family, socket.SOCK_STREAM)
        try:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
            tried.settimeout(min(deadline.remaining_s, _CONNECT_TIMEOUT_S))
            tried.connect(address)
            tried.settimeout(deadline.remaining_s)
        except OSError as error:
            tried.close()
            problem = error
        else:
            return tried
    raise problem


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _shut(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
