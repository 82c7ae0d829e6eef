"""A real mail server on loopback that keeps what it is sent, and refuses or dawdles as a test tells it to."""

import asyncio
import email
import email.policy
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_ACCEPTED = "250 Message accepted for delivery"


@dataclass
class Letter:
    """One mail as it arrived: whom the envelope names, and the message."""

    recipients: list[str]
    message: EmailMessage

    @property
    def text(self) -> str:
        content = self.message.get_content()
        assert isinstance(content, str)
        return content.replace("\r\n", "\n")

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])


@dataclass
class Mailbox:
    """``refusal`` answers every recipient when set, ``refusal_of_sender`` and ``refusal_of_data`` at their own stages.

    A letter is only accepted once ``accepts`` is set.
    """

    port: int = 0
    letters: list[Letter] = field(default_factory=list)
    refusal: str = ""
    refusal_of_sender: str = ""
    refusal_of_data: str = ""
    accepts: threading.Event = field(default_factory=threading.Event)

    async def handle_MAIL(  # noqa: N802 -- aiosmtpd calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session
        if self.refusal_of_sender:
            return self.refusal_of_sender
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- the same
        del server, session
        if self.refusal_of_data:
            return self.refusal_of_data
        content = envelope.content
        assert isinstance(content, bytes)
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.letters.append(Letter(list(envelope.rcpt_tos), message))
        await asyncio.to_thread(self.accepts.wait)
        return _ACCEPTED


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """Run a mail server while the context is open."""
    mailbox = Mailbox()
    mailbox.accepts.set()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        mailbox.port = probe.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        mailbox.accepts.set()
        controller.stop()
