"""A small web host: serves a folder, reads the mail to its abuse address, removes what it is asked to, puts it back."""

from __future__ import annotations

import email
import email.policy
import functools
import http.server
import re
import threading
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from aiosmtpd.controller import Controller

from demo.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from aiosmtpd.smtp import SMTP, Envelope, Session


class Host:
    """Serves `folder` over HTTP and takes mail over SMTP, both on loopback, while the context is open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notices: list[str] = []  # the address that each mail asked to have removed
        self.retractions: list[str] = []  # the address that each mail about a withdrawn request named
        self._aside: dict[str, bytes] = {}
        handler = functools.partial(_QuietHandler, directory=str(folder))
        self._web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._mail = Controller(_Inbox(self), hostname="127.0.0.1", port=free_port())

    @property
    def web_url(self) -> str:
        """Where the folder is served."""
        return f"http://127.0.0.1:{self._web.server_address[1]}"

    @property
    def smtp_url(self) -> str:
        """Where its mail server listens."""
        return f"smtp://127.0.0.1:{self._mail.port}"

    def address_of(self, name: str) -> str:
        """Return the address of one file in the folder."""
        return f"{self.web_url}/{name}"

    def holds(self, name: str) -> bool:
        """Say whether the file is still there."""
        return (self.folder / name).exists()

    def take_mail(self, text: str, *, is_retraction: bool) -> None:
        """Do what a host's abuse desk does: find the one address of ours that the mail names, and act on it."""
        for address in re.findall(re.escape(self.web_url) + r"/\S+", text):
            name = unquote(urlsplit(address).path).lstrip("/")
            if "/" in name:
                continue
            if is_retraction:
                self._put_back(name)
                self.retractions.append(address)
            else:
                self._remove(name)
                self.notices.append(address)

    def _remove(self, name: str) -> None:
        if self.holds(name):
            self._aside[name] = (self.folder / name).read_bytes()
            (self.folder / name).unlink()

    def _put_back(self, name: str) -> None:
        if name in self._aside:
            (self.folder / name).write_bytes(self._aside.pop(name))

    def __enter__(self) -> Self:
        threading.Thread(target=self._web.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self._mail.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._mail.stop()
        self._web.shutdown()
        self._web.server_close()


class _Inbox:
    def __init__(self, host: Host) -> None:
        self._host = host

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802  # aiosmtpd's hook
        content = envelope.content or b""
        data = content.encode() if isinstance(content, str) else content
        message = email.message_from_bytes(data, policy=email.policy.default)
        body = message.get_body(preferencelist=("plain",))
        is_retraction = str(message["Subject"]).endswith("is withdrawn")
        self._host.take_mail(body.get_content() if body else "", is_retraction=is_retraction)
        return "250 Message accepted for delivery"


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing: the story is told elsewhere."""
