"""What can go wrong, as types whose message says what to do next and holds no key, fingerprint or sighting."""

from __future__ import annotations

from typing import Literal, TypeAlias


class StaydownError(Exception):
    """Anything the client refuses or cannot do; its text is one line, ready for a person."""


class ConfigurationError(StaydownError):
    """A setting, an address or a key file is missing or not usable."""


class BadValueError(StaydownError):
    """A value given to a call is not what it takes; the message names it and says what it takes."""


class FolderError(StaydownError):
    """A filter's folder is missing, open to others, in use, or damaged."""


class FolderBusyError(FolderError):
    """Another process already syncs this folder."""


class HubError(StaydownError):
    """The hub could not be used."""


class HubUnavailableError(HubError):
    """The hub did not answer, or answered that it has trouble; the same call may work later."""


class HubMisbehavedError(HubError):
    """The hub's answer breaks the protocol and was refused whole; nothing of it was kept."""


LogProblem: TypeAlias = Literal["fork", "shrunk", "signature", "garbage", "witnesses", "redaction"]


class LogRefusedError(HubMisbehavedError):
    """The list as the hub shows it was not believed; what was verified before stays. `problem` is the receipts' word.

    fork: two histories; shrunk: fewer entries than were verified before; signature: not signed by a trusted key;
    garbage: not in the log's form; witnesses: too few of them signed; redaction: an entry is missing without one.
    """

    def __init__(self, message: str, *, problem: LogProblem) -> None:
        super().__init__(message)
        self.problem: LogProblem = problem


class HubRefusedError(HubError):
    """The hub understood and said no. `status` is HTTP's, `code` the hub's own word for the reason."""

    def __init__(self, message: str, *, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
