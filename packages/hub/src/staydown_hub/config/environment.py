"""The hub's settings as the environment gives them: read once, checked, with the fall-backs written down here."""

import os
import secrets
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict


class BadSettingError(ValueError):
    """An environment variable that cannot be used; the message names it and what it should look like."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a process listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def text(name: str, default: str = "") -> str:
    """Return an environment variable, or the default when it is unset or empty."""
    return os.environ.get(name) or default


def address(name: str, default: str) -> Address:
    """Return a ``host:port`` setting; an IPv6 host stands in brackets."""
    given = text(name, default)
    host, separator, port = given.rpartition(":")
    if not separator or not host or not port.isdigit() or not 0 < int(port) < 65536:  # noqa: PLR2004 -- the last port
        raise BadSettingError(f"{name} must look like 127.0.0.1:8600.")
    return Address(host=host.strip("[]"), port=int(port))


def url(name: str, default: str = "", *, schemes: tuple[str, ...], has_path: bool = False) -> str:
    """Return a setting that is a URL with one of these schemes and a host, without a slash at its end; or the default.

    A user and password may stand in it unless it is for browsers.
    """
    given = text(name, default).rstrip("/")
    if given and not _is_url(given, schemes=schemes, has_path=has_path):
        # The value is not repeated: a password may stand in it.
        raise BadSettingError(f"{name} must look like {' or '.join(f'{one}://host.example:1234' for one in schemes)}.")
    return given


def _is_url(given: str, *, schemes: tuple[str, ...], has_path: bool) -> bool:
    try:
        parts = urlsplit(given)
        is_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    is_bare = not parts.query and not parts.fragment and (has_path or not parts.path)
    is_clean = given.isascii() and given.isprintable() and " " not in given
    return parts.scheme in schemes and bool(parts.hostname) and is_port and is_bare and is_clean and _may_name(parts)


def _may_name(parts: SplitResult) -> bool:
    return parts.scheme not in {"http", "https"} or "@" not in parts.netloc


def choice(name: str, values: tuple[str, ...]) -> str:
    """Return one of the values; the first when nothing is set. Raises BadSettingError."""
    value = text(name, values[0])
    if value not in values:
        raise BadSettingError(f"{name} is one of {', '.join(values)}.")
    return value


def seconds(name: str, default: int) -> int:
    """Return a setting that is a whole number of seconds, at least one."""
    given = text(name, str(default))
    if not given.isdecimal() or int(given) < 1:
        raise BadSettingError(f"{name} must be a whole number of seconds, such as {default}.")
    return int(given)


def networks(name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return a setting that lists networks, none by default."""
    try:
        return tuple(ip_network(one.strip()) for one in text(name).split(",") if one.strip())
    except ValueError:
        raise BadSettingError(f"{name} must look like 127.0.0.0/8,fd00::/8.") from None


def home() -> Path:
    """Return the data folder, which need not exist yet."""
    return Path(text("STAYDOWN_HOME", ".staydown/hub")).absolute()


def secret_key() -> str:
    """Return STAYDOWN_SECRET_KEY, or the one kept in the data folder, made on first use for its owner only."""
    if given := text("STAYDOWN_SECRET_KEY"):
        return given
    path = home() / "secret.key"
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".secret.{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(50))
        # A hard link fails when another process was first, and never shows a half-written file.
        try:
            path.hardlink_to(made)
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_text()


def database() -> dict[str, Any]:
    """Return Django's database settings from DATABASE_URL, any form that libpq takes."""
    url = text("DATABASE_URL")
    try:
        parts = {name: value for name, value in conninfo_to_dict(url).items() if value is not None} if url else {}
    except ProgrammingError:
        # libpq's own message repeats the address, and with it the password.
        raise BadSettingError("DATABASE_URL must look like postgresql://user:password@host:5432/name.") from None
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", "staydown"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        "OPTIONS": parts,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
