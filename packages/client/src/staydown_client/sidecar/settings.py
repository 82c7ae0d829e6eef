"""How a sidecar is run: where it listens, who may ask, and how much it takes at once."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path  # noqa: TC003 - a dataclass keeps it
from typing import TYPE_CHECKING, Final

from staydown_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN_VARIABLE: Final = "STAYDOWN_SIDECAR_TOKEN"  # noqa: S105 - the variable's name
DEFAULT_ADDRESS: Final = "127.0.0.1:8650"
_MIN_TOKEN_CHARACTERS: Final = 16
_MAX_FILE_BYTES: Final = 4096
_MAX_PORT: Final = 65_535


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 lets the system choose."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Say whether only this machine can reach it."""
        return is_loopback(self.host)


@dataclass(frozen=True, slots=True)
class SidecarSettings:
    """What every worker process is told.

    max_upload_bytes: a longer file is answered with 413.
    max_spool_bytes: how many bytes of uploads one process holds at once (at least one upload of the most it may have);
    more are answered with 503.
    max_receiving: how many uploads one process takes in at once; one more is answered with 503.
    decoders: how many files one process decodes at once; max_waiting: how many wait for that, one more gets 503.
    receive_s: how long an upload may take to arrive whole; idle_s: and how long it may pause.
    files: the folder whose files /v1/gate may read; None: it reads none.
    scratch: a private folder for what the processes share and for large uploads, which have no name there.
    """

    folder: Path
    address: Address
    scratch: Path
    token: str | None = None
    files: Path | None = None
    workers: int = 1
    decoders: int = 1
    max_upload_bytes: int = 256 * 1024 * 1024
    max_spool_bytes: int = 1024 * 1024 * 1024
    max_receiving: int = 64
    max_waiting: int = 32
    receive_s: float = 120.0
    idle_s: float = 15.0

    def __repr__(self) -> str:
        return f"SidecarSettings({self.folder}, {self.address})"  # never the token


def read_address(text: str) -> Address:
    """Read `HOST:PORT`; the host is an IP address or localhost, an IPv6 address in brackets."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdecimal() or int(port) > _MAX_PORT:
        raise ConfigurationError(f"--address must be HOST:PORT, such as {DEFAULT_ADDRESS}.")
    bare = host.removeprefix("[").removesuffix("]")
    if bare != "localhost":
        try:
            ipaddress.ip_address(bare)
        except ValueError:
            raise ConfigurationError("--address must name an IP address of this machine, or localhost.") from None
    return Address("127.0.0.1" if bare == "localhost" else bare, int(port))


def find_token(token_file: Path | None, *, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the token from `token_file` when given, else from STAYDOWN_SIDECAR_TOKEN; None when there is none."""
    if token_file is None:
        text = environment.get(TOKEN_VARIABLE, "").strip()
        return _checked_token(text, TOKEN_VARIABLE) if text else None
    try:
        with token_file.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise ConfigurationError(f"The token file {token_file} cannot be read: {error.strerror}.") from error
    return _checked_token(data.decode("ascii", "replace").strip(), f"The token file {token_file}")


def checked_settings(settings: SidecarSettings) -> SidecarSettings:
    """Return settings that may be used: whoever listens to other machines asks for a token."""
    if settings.token is None and not settings.address.is_loopback:
        raise ConfigurationError(
            f"Other machines can reach {settings.address.host}: give a token with --token-file or {TOKEN_VARIABLE}, "
            "or listen on 127.0.0.1."
        )
    return settings


@lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    """Say whether `host`, without brackets, names this machine for itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked_token(text: str, source: str) -> str:
    if len(text) < _MIN_TOKEN_CHARACTERS or not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError(
            f"{source} must hold a token of at least {_MIN_TOKEN_CHARACTERS} letters, digits and signs. "
            "Make one: head -c 24 /dev/urandom | base64"
        )
    return text
